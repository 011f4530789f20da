"""Every write of balances."""

from balances.services.edits import archive_balance, archive_balances_of_contract, edit_balance, update_end_date
from balances.services.grants import NewBalance, add_balances, create_balance
from balances.services.ledger import (
    add_manual_entry,
    charge_items,
    draw,
    expire_segment,
    give_back,
    lock_balances,
    move_items,
    release_items,
)
from balances.services.rolling import roll_balance

__all__ = [
    "NewBalance",
    "add_balances",
    "add_manual_entry",
    "archive_balance",
    "archive_balances_of_contract",
    "charge_items",
    "create_balance",
    "draw",
    "edit_balance",
    "expire_segment",
    "give_back",
    "lock_balances",
    "move_items",
    "release_items",
    "roll_balance",
    "update_end_date",
]
