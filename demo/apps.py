"""Registration with Django: for the management commands."""

from core import registry


class DemoConfig(registry.AppRegistration):
    """The demo has no tables of its own."""

    name = "demo"
    audit_titles = {"demo.load": "Demo loaded"}
