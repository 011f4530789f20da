"""Reads of balances."""

from balances.selectors.balances import (
    balance_rows,
    entries_of,
    filter_balances,
    find_balance,
    recurring_rows,
)
from balances.selectors.purchases import Purchase, purchases_of, waiting_items
from balances.selectors.segments import engine_segments

__all__ = [
    "Purchase",
    "balance_rows",
    "engine_segments",
    "entries_of",
    "filter_balances",
    "find_balance",
    "purchases_of",
    "recurring_rows",
    "waiting_items",
]
