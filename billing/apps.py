from charges.invoice_lookup import register_invoice_lookup
from core import registry


class BillingConfig(registry.AppRegistration):
    name = "billing"
    custom_field_entities = (registry.CustomFieldEntity("invoice", "billing.BillingPeriod"),)
    sweeps = (
        # recurring commits and credits first: they may pay in the periods that begin
        registry.Sweep(
            "billing.open_due_periods",
            "billing.services.periods.open_due_periods",
            every_seconds=10,
            after=("balances.issue_recurring_balances",),
            next_due="billing.services.periods.next_period_at",
        ),
        # invoices that are due may still draw on what has ended
        registry.Sweep(
            "billing.expire_ended_segments",
            "billing.services.expiry.expire_ended_segments",
            every_seconds=10,
            after=("invoices.finalize_due_invoices",),
            next_due="billing.services.expiry.next_end_at",
        ),
        registry.Sweep("billing.drop_old_events", "billing.services.retention.drop_old_events", every_seconds=3600),
        registry.Sweep(
            "billing.refresh_draft_totals",
            "billing.services.draft_totals.refresh_draft_totals",
            every_seconds=60,
            budget_seconds=0,
            foreground=False,
            next_due="core.sweeps.never",
        ),
    )

    def ready(self) -> None:
        """Says to `charges` who knows which invoice holds a charge."""
        register_invoice_lookup("billing.billed_charges.invoice_ids_of")
