from django.apps import AppConfig

from charges.invoice_lookup import register_invoice_lookup


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        """Says to `charges` who knows which invoice holds a charge."""
        register_invoice_lookup("billing.billed_charges.invoice_ids_of")
