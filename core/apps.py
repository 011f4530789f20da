from core import registry


class CoreConfig(registry.AppRegistration):
    name = "core"
    permissions = (
        registry.Permission("create_apikey", "Can create an API key", "apikey"),
        registry.Permission("revoke_apikey", "Can revoke an API key", "apikey"),
        registry.Permission("decide_request", "Can decide what others ask for", "approvalrequest", (registry.FINANCE,)),
    )
    visible_models = {
        "outboxevent": registry.ROLES,
        "apikey": (registry.FINANCE,),
        "auditentry": (registry.FINANCE,),
        "approvalrequest": (registry.FINANCE,),
    }
    api_resources = ("audit",)
    sweeps = (
        registry.Sweep("core.forget_old_requests", "core.services.forget_old_requests", every_seconds=3600),
        registry.Sweep("core.withdraw_forgotten_requests", "core.approvals.withdraw_forgotten", every_seconds=300),
    )
    record_pages = (registry.RecordPage("apikey", "API key"), registry.RecordPage("approvalrequest", "Request"))
    audit_titles = {
        "api_key.create": "API key created",
        "api_key.revoke": "API key revoked",
        "approval.request": "Asked for a second person",
        "approval.approve": "Approved by a second person",
        "approval.reject": "Rejected by a second person",
        "approval.withdraw": "Request withdrawn",
    }
