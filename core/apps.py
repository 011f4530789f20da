from core import registry


class CoreConfig(registry.AppRegistration):
    name = "core"
    permissions = (
        registry.Permission("create_apikey", "Can create an API key", "apikey"),
        registry.Permission("revoke_apikey", "Can revoke an API key", "apikey"),
        registry.Permission(
            "edit_keys", "Can add and remove keys of custom fields", "customfieldkey", (registry.FINANCE,)
        ),
        registry.Permission("edit_values", "Can change custom fields of records", "customfieldkey", registry.ROLES),
        registry.Permission("decide_request", "Can decide what others ask for", "approvalrequest", (registry.FINANCE,)),
        # no group has it: owners
        registry.Permission("manage_staff", "Can ask for accounts of staff and decide about them", "approvalrequest"),
    )
    visible_models = {
        "outboxevent": registry.ROLES,
        "apikey": (registry.FINANCE,),
        "auditentry": (registry.FINANCE,),
        "approvalrequest": registry.ROLES,
        "customfieldkey": registry.ROLES,
    }
    api_resources = ("audit", "custom_fields")
    gated_acts = tuple(
        registry.GatedAct(name, title, "core.manage_staff", "core.manage_staff", f"core.staff_accounts.{carry_out}")
        for name, title, carry_out in (
            ("user.create", "New account", "make_account"),
            ("user.change_role", "Role of an account", "change_role"),
            ("user.change_details", "Name or e-mail of an account", "change_details"),
            ("user.reactivate", "Account made active again", "reactivate"),
            ("user.send_link", "Link to a new password", "send_link"),
        )
    )
    sweeps = (
        registry.Sweep("core.forget_old_requests", "core.services.forget_old_requests", every_seconds=3600),
        registry.Sweep("core.withdraw_forgotten_requests", "core.approvals.withdraw_forgotten", every_seconds=300),
        registry.Sweep(
            "core.send_password_links", "core.password_links.send_links", every_seconds=60, queue=registry.DELIVERY
        ),
    )
    record_pages = (
        registry.RecordPage("apikey", "API key"),
        registry.RecordPage("approvalrequest", "Request"),
        registry.RecordPage("user", "Account", app="auth"),
        registry.RecordPage("customfieldkey", "custom field key"),
    )
    audit_titles = {
        "custom_field.add_key": "Custom field key added",
        "custom_field.remove_key": "Custom field key removed",
        "custom_field.set_values": "Custom fields changed",
        "api_key.create": "API key created",
        "api_key.revoke": "API key revoked",
        "approval.request": "Asked for a second person",
        "approval.approve": "Approved by a second person",
        "approval.reject": "Rejected by a second person",
        "approval.withdraw": "Request withdrawn",
        "user.create": "Account made",
        "user.change": "Account changed",
        "user.change_role": "Role changed",
        "user.change_details": "Name or e-mail changed",
        "user.reactivate": "Account made active again",
        "user.deactivate": "Account made inactive",
        "user.send_link": "Link to a new password ordered",
        "user.link_sent": "Link to a new password sent",
        "user.print_link": "Link to a new password printed",
        "user.set_password": "Own password set by a link",
        "user.change_password": "Own password changed",
    }
