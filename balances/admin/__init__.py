"""Balances for staff: commits and credits, adjustments with two people, what the reconciler found."""

from balances.admin.adjustments import AdjustmentAdmin
from balances.admin.balances import BalanceAdmin
from balances.admin.checks import LedgerCheckAdmin

__all__ = ["AdjustmentAdmin", "BalanceAdmin", "LedgerCheckAdmin"]
