from core import registry


class InvoicesConfig(registry.AppRegistration):
    name = "invoices"
    permissions = (
        registry.Permission("void_invoice", "Can void an invoice", "invoice", (registry.FINANCE,)),
        registry.Permission("regenerate_invoice", "Can regenerate a void invoice", "invoice", (registry.FINANCE,)),
        registry.Permission("view_revenue", "Can see revenue over all customers", "invoice", (registry.FINANCE,)),
    )
    visible_models = {"invoice": registry.ROLES, "invoiceline": registry.ROLES}
    api_resources = ("invoices",)
    api_groups = {"invoices": "Invoices"}
    sweeps = (
        # recurring commits and credits first: they may pay in the periods that begin
        registry.Sweep(
            "invoices.open_due_periods",
            "invoices.services.drafts.open_due_periods",
            every_seconds=10,
            after=("balances.open_due_children",),
        ),
        registry.Sweep(
            "invoices.finalize_due_invoices",
            "invoices.services.finalize.finalize_due_invoices",
            every_seconds=10,
            after=("invoices.open_due_periods",),
        ),
        registry.Sweep(
            "invoices.expire_ended_segments",
            "invoices.services.expiry.expire_ended_segments",
            every_seconds=10,
            after=("invoices.finalize_due_invoices",),
        ),
        registry.Sweep(
            "invoices.render_due_documents",
            "invoices.services.documents.render_due_documents",
            every_seconds=10,
            queue=registry.DOCUMENTS,
        ),
        # what has come is settled before what never came is given up
        registry.Sweep(
            "invoices.settle_committed", "invoices.services.reservations.settle_committed", every_seconds=10
        ),
        registry.Sweep(
            "invoices.expire_due_reservations",
            "balances.services.spendable.expire_due_reservations",
            every_seconds=10,
        ),
        registry.Sweep(
            "invoices.lapse_due_reservations",
            "balances.services.spendable.lapse_due_reservations",
            every_seconds=10,
            after=("invoices.settle_committed",),
        ),
        registry.Sweep(
            "invoices.forget_old_reservations",
            "balances.services.spendable.forget_old_reservations",
            every_seconds=60,
        ),
        registry.Sweep("invoices.drop_old_events", "invoices.services.retention.drop_old_events", every_seconds=3600),
        registry.Sweep(
            "invoices.refresh_draft_totals",
            "invoices.services.draft_totals.refresh_draft_totals",
            every_seconds=60,
            budget_seconds=0,
            foreground=False,
        ),
    )
    job_queues = {"invoices.render_document": registry.DOCUMENTS}
    record_pages = (registry.RecordPage("invoice", "invoice"),)
    audit_titles = {
        "invoice.finalize": "Invoice finalized",
        "invoice.regenerate": "Invoice regenerated",
        "invoice.void": "Invoice voided",
    }
    hidden_details = frozenset({"number", "total"})
