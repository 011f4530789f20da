"""Who pays."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Registers the app."""

    name = "customers"
