"""Every write of contracts."""

from contracts.services.contracts import (
    UsageStatementSchedule,
    archive_contract,
    archive_contracts_of_customer,
    create_contract,
    update_end_date,
)
from contracts.services.edits import Tell, edit_contract
from contracts.services.named_schedules import update_named_schedule
from contracts.services.overrides import NewOverride
from contracts.services.recording import ids_of, lock_contract, record_event
from contracts.services.rehearsal import rehearse_contract
from contracts.services.subscriptions import NewChange, NewSubscription, SubscriptionUpdate, pin_end
from contracts.services.usage_filters import NewUsageFilter, add_usage_filter, set_usage_filter

__all__ = [
    "NewChange",
    "NewOverride",
    "NewSubscription",
    "NewUsageFilter",
    "SubscriptionUpdate",
    "Tell",
    "UsageStatementSchedule",
    "add_usage_filter",
    "archive_contract",
    "archive_contracts_of_customer",
    "create_contract",
    "edit_contract",
    "ids_of",
    "lock_contract",
    "pin_end",
    "record_event",
    "rehearse_contract",
    "set_usage_filter",
    "update_end_date",
    "update_named_schedule",
]
