from core import registry


class CoreConfig(registry.AppRegistration):
    name = "core"
    permissions = (
        registry.Permission("create_apikey", "Can create an API key", "apikey"),
        registry.Permission("revoke_apikey", "Can revoke an API key", "apikey"),
    )
    visible_models = {
        "outboxevent": registry.ROLES,
        "apikey": (registry.FINANCE,),
        "auditentry": (registry.FINANCE,),
    }
    api_resources = ("audit",)
    sweeps = (registry.Sweep("core.forget_old_requests", "core.services.forget_old_requests", every_seconds=3600),)
    record_pages = (registry.RecordPage("apikey", "API key"),)
    audit_titles = {"api_key.create": "API key created", "api_key.revoke": "API key revoked"}
