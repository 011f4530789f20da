from core import registry


class ConsoleConfig(registry.AppRegistration):
    name = "console"
    permissions = (
        registry.Permission("edit_origins", "Can change which origins may embed the console", "embedsession"),
        registry.Permission("revoke_session", "Can revoke a console session", "embedsession"),
    )
    visible_models = {"embedorigin": (registry.FINANCE,), "embedsession": (registry.FINANCE,)}
    api_resources = ("embed",)
    sweeps = (
        registry.Sweep("console.forget_ended_sessions", "console.services.forget_ended_sessions", every_seconds=3600),
    )
    record_pages = (registry.RecordPage("embedorigin", "origin"), registry.RecordPage("embedsession", "session"))
    audit_titles = {
        "embed_origin.register": "Embed origin allowed",
        "embed_origin.remove": "Embed origin removed",
        "embed_session.create": "Console session opened",
        "embed_session.revoke": "Console session revoked",
    }
