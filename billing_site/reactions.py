"""What follows from what: the whole table of in-transaction reactions, and of sweeps that find due work.

Paths are dotted, so that lower apps publish facts without knowing who listens (docs/adr/0003).
"""

REACTIONS: dict[str, list[str]] = {
    "customer.archived": [
        "contracts.services.archive_contracts_of_customer",
        "balances.services.edits.archive_balances_of_customer",
    ],
    "contract.created": ["invoices.services.drafts.open_invoices"],
    "contract.edited": [
        "balances.services.recurring.follow_subscriptions",
        "invoices.services.subscriptions.follow_edit",
    ],
    "contract.end_changed": [
        "balances.services.edits.end_with_contract",
        "invoices.services.subscriptions.keep_paid_ends",
        "invoices.services.drafts.reschedule_invoices",
    ],
    "contract.archived": [
        "invoices.services.drafts.cancel_invoices",
        "balances.services.edits.archive_balances_of_contract",
    ],
    "contract.renewed": ["invoices.services.rollover.roll_over"],
    "commit.created": ["invoices.services.charges.sync_purchases"],
    "commit.edited": ["invoices.services.charges.sync_purchases"],
    "commit.archived": ["invoices.services.charges.sync_purchases"],
}

# Each takes `now` and returns how many items it did; `run_due_work` repeats them until nothing is left, beat wakes them
# as tasks.
DUE_WORK: list[str] = [
    "balances.services.recurring.open_due_children",
    "invoices.services.drafts.open_due_periods",
    "invoices.services.finalize.finalize_due_invoices",
    "invoices.services.expiry.expire_ended_segments",
    "invoices.services.documents.render_due_documents",
    "invoices.services.reservations.settle_committed",
    "balances.services.spendable.expire_due_reservations",
    "balances.services.spendable.lapse_due_reservations",
    "balances.services.spendable.forget_old_reservations",
    "usage.services.prepare_storage",
    "usage.services.roll_usage",
    "invoices.services.retention.drop_old_events",
    "core.services.forget_old_requests",
    "console.services.forget_ended_sessions",
    "balances.services.adjustments.withdraw_forgotten",
    "balances.services.checks.check_ledgers",
]
