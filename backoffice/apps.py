"""Django's admin, with our site in the place of its own."""

from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    """Django's admin with our site."""

    default_site = "backoffice.site.BackOffice"
