"""The usage application."""

from datetime import timedelta

from core import registry


class UsageConfig(registry.AppRegistration):
    """What happened."""

    name = "usage"
    visible_models = {"usageevent": registry.ROLES}
    api_resources = ("usage",)
    api_scopes = ("usage:ingest",)
    sweeps = (
        registry.Sweep("usage.prepare_storage", "usage.services.prepare_storage", every_seconds=3600),
        registry.Sweep(
            "usage.roll", "usage.services.roll_usage", every_seconds=1, budget_seconds=0, patience=timedelta(seconds=5)
        ),
    )
