"""The usage application."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """What happened."""

    name = "usage"
