"""What follows from what: the whole table of in-transaction reactions, and of sweeps that find due work.

Paths are dotted, so that lower apps publish facts without knowing who listens (docs/adr/0003).
"""

REACTIONS: dict[str, list[str]] = {
    "customer.archived": ["contracts.services.archive_contracts_of_customer"],
    "contract.created": ["invoices.services.drafts.open_invoices"],
    "contract.end_changed": ["invoices.services.drafts.reschedule_invoices"],
    "contract.archived": ["invoices.services.drafts.cancel_invoices"],
}

# Each takes `now` and returns how many items it did; `run_due_work` repeats them until nothing is left, beat wakes them
# as tasks.
DUE_WORK: list[str] = [
    "invoices.services.drafts.open_due_periods",
    "invoices.services.finalize.finalize_due_invoices",
    "invoices.services.documents.render_due_documents",
    "core.services.forget_old_requests",
    "console.services.forget_ended_sessions",
]
