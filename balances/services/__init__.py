"""Every write of balances."""

from balances.services.adjustments import (
    AdjustmentReason,
    CreditRequest,
    LedgerEntryRequest,
    NewAdjustment,
    TriedAdjustment,
    approve_adjustment,
    reject_adjustment,
    request_adjustment,
    try_adjustment,
    withdraw_adjustment,
)
from balances.services.edits import archive_balance, archive_balances_of_contract, edit_balance, update_end_date
from balances.services.grants import NewBalance, add_balances, create_balance
from balances.services.key_entries import request_manual_entry
from balances.services.ledger import (
    add_manual_entry,
    draw,
    expire_segment,
    give_back,
    lock_balances,
    settle_true_ups,
    take_back_expiries,
)
from balances.services.purchases import waive_true_ups
from balances.services.rolling import roll_balance

__all__ = [
    "AdjustmentReason",
    "CreditRequest",
    "LedgerEntryRequest",
    "NewAdjustment",
    "NewBalance",
    "TriedAdjustment",
    "add_balances",
    "add_manual_entry",
    "approve_adjustment",
    "archive_balance",
    "archive_balances_of_contract",
    "create_balance",
    "draw",
    "edit_balance",
    "expire_segment",
    "give_back",
    "lock_balances",
    "reject_adjustment",
    "request_adjustment",
    "request_manual_entry",
    "roll_balance",
    "settle_true_ups",
    "take_back_expiries",
    "try_adjustment",
    "update_end_date",
    "waive_true_ups",
    "withdraw_adjustment",
]
