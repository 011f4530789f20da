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
        registry.Sweep(
            "invoices.finalize_due_invoices",
            "invoices.services.finalize.finalize_due_invoices",
            every_seconds=10,
            after=("billing.open_due_periods",),
            next_due="invoices.services.finalize.next_due_at",
        ),
        registry.Sweep(
            "invoices.render_due_documents",
            "invoices.services.documents.render_due_documents",
            every_seconds=10,
            queue=registry.DOCUMENTS,
        ),
    )
    gated_acts = (
        registry.GatedAct(
            "invoice.void",
            "Void an invoice",
            ask="invoices.void_invoice",
            approve="core.decide_request",
            carry_out="invoices.requests.carry_out_void",
        ),
        registry.GatedAct(
            "invoice.regenerate",
            "Regenerate an invoice",
            ask="invoices.regenerate_invoice",
            approve="core.decide_request",
            carry_out="invoices.requests.carry_out_regenerate",
        ),
    )
    job_queues = {"invoices.render_document": registry.DOCUMENTS}
    record_pages = (registry.RecordPage("invoice", "invoice", page="invoicelisting"),)
    audit_titles = {
        "invoice.finalize": "Invoice finalized",
        "invoice.regenerate": "Invoice regenerated",
        "invoice.void": "Invoice voided",
    }
    hidden_details = frozenset({"number", "total"})
