"""Every write of charges, and of the schedules that they come from."""

from charges.services.charges import (
    NewCharge,
    add_charges,
    cancel_charges,
    describe_charges,
    invoice_charges,
    reopen_charges,
    reprice_charge,
    void_charges,
    waive_charges,
)
from charges.services.scheduled import (
    NewScheduled,
    ScheduledUpdate,
    add_scheduled,
    archive_scheduled,
    archive_scheduled_of_contract,
    change_scheduled,
    end_scheduled,
)
from charges.services.schedules import RecurringSchedule, ScheduleChange, is_open, items_of

__all__ = [
    "NewCharge",
    "NewScheduled",
    "RecurringSchedule",
    "ScheduleChange",
    "ScheduledUpdate",
    "add_charges",
    "add_scheduled",
    "archive_scheduled",
    "archive_scheduled_of_contract",
    "cancel_charges",
    "change_scheduled",
    "describe_charges",
    "end_scheduled",
    "invoice_charges",
    "is_open",
    "items_of",
    "reopen_charges",
    "reprice_charge",
    "void_charges",
    "waive_charges",
]
