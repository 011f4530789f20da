"""What follows from what: the whole table of in-transaction reactions, and of sweeps that find due work.

Paths are dotted, so that lower apps publish facts without knowing who listens (docs/adr/0003).
"""

REACTIONS: dict[str, list[str]] = {
    "customer.archived": [
        "contracts.services.archive_contracts_of_customer",
        "balances.services.edits.archive_balances_of_customer",
    ],
    "contract.created": ["billing.services.periods.open_periods_of_contract"],
    "contract.edited": [
        "balances.services.recurring.follow_subscriptions",
        "billing.services.subscriptions.sync_subscriptions",
    ],
    "contract.end_changed": [
        "balances.services.edits.end_with_contract",
        "billing.services.subscriptions.preserve_prepaid_ends",
        "billing.services.periods.reschedule_periods",
        "invoices.services.void.refuse_end_before_invoices",
    ],
    "contract.archived": [
        "billing.services.periods.drop_open_periods",
        "invoices.services.void.void_invoices_of_contract",
        "balances.services.edits.archive_balances_of_contract",
    ],
    "contract.renewed": ["billing.services.rollover.roll_over"],
    "commit.created": ["billing.services.charges.sync_purchases"],
    "commit.edited": ["billing.services.charges.sync_purchases"],
    "commit.archived": ["billing.services.charges.sync_purchases"],
}

# Each takes `now` and returns how many items it did; `run_due_work` repeats them until nothing is left, beat wakes them
# as tasks.
DUE_WORK: list[str] = [
    "balances.services.recurring.open_due_children",
    "billing.services.periods.open_due_periods",
    "invoices.services.finalize.finalize_due_invoices",
    "billing.services.expiry.expire_ended_segments",
    "invoices.services.documents.render_due_documents",
    "reservations.services.reservations.settle_committed",
    "reservations.services.spendable.expire_due_reservations",
    "reservations.services.spendable.lapse_due_reservations",
    "reservations.services.spendable.forget_old_reservations",
    "usage.services.prepare_storage",
    "usage.services.roll_usage",
    "billing.services.retention.drop_old_events",
    "core.services.forget_old_requests",
    "console.services.forget_ended_sessions",
    "balances.services.adjustments.withdraw_forgotten",
    "balances.services.checks.check_ledgers",
]
