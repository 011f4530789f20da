"""Reads of balances."""

from balances.selectors.balances import (
    balance_rows,
    drawn_by_invoice,
    entries_of,
    filter_balances,
    find_balance,
    overdue_grants,
    recurring_rows,
)
from balances.selectors.purchases import Instalment, Purchase, invoice_schedules, invoiced_amounts, purchases_of
from balances.selectors.segments import engine_segments

__all__ = [
    "Instalment",
    "Purchase",
    "balance_rows",
    "drawn_by_invoice",
    "engine_segments",
    "entries_of",
    "filter_balances",
    "find_balance",
    "invoice_schedules",
    "invoiced_amounts",
    "overdue_grants",
    "purchases_of",
    "recurring_rows",
]
