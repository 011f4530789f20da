"""Every write of contracts."""

from contracts.services.contracts import (
    UsageStatementSchedule,
    archive_contract,
    archive_contracts_of_customer,
    create_contract,
    lock_contract,
    update_end_date,
)
from contracts.services.edits import Tell, edit_contract
from contracts.services.named_schedules import update_named_schedule
from contracts.services.overrides import NewOverride
from contracts.services.rehearsal import rehearse_contract
from contracts.services.subscriptions import NewChange, NewSubscription, SubscriptionUpdate, pin_end

__all__ = [
    "NewChange",
    "NewOverride",
    "NewSubscription",
    "SubscriptionUpdate",
    "Tell",
    "UsageStatementSchedule",
    "archive_contract",
    "archive_contracts_of_customer",
    "create_contract",
    "edit_contract",
    "lock_contract",
    "pin_end",
    "rehearse_contract",
    "update_end_date",
    "update_named_schedule",
]
