"""Every write of contracts."""

from contracts.services.contracts import (
    UsageStatementSchedule,
    archive_contract,
    archive_contracts_of_customer,
    create_contract,
    ids_of,
    lock_contract,
    record_event,
    update_end_date,
)
from contracts.services.edits import Tell, edit_contract
from contracts.services.named_schedules import update_named_schedule
from contracts.services.overrides import NewOverride
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
    "ids_of",
    "lock_contract",
    "pin_end",
    "record_event",
    "update_end_date",
    "update_named_schedule",
]
