"""Registration with Django: for the management commands."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo has no tables of its own."""

    name = "demo"
