"""Django's admin, with our site in the place of its own."""

from importlib import import_module

from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    """Django's admin with our site."""

    default_site = "backoffice.site.BackOffice"

    def ready(self) -> None:
        """The apps register their screens; then the kernel's follow, which also take the place of Django's own."""
        super().ready()
        for screens in (
            "kernel",
            "staff_page",
            "approvals_page",
            "test_clocks_page",
            "custom_fields_page",
            "packages_page",
        ):
            import_module(f"backoffice.{screens}")
