"""Who hears of what, and what runs when: the tables that only the composition root may write, since it knows all apps.

Read when first needed (settings name this module's tables by dotted path), so it may import services.
"""

from collections.abc import Mapping
from typing import Any

from balances.contract_part import BalancesPart
from balances.events import CommitArchived, CommitCreated, CommitEdited
from balances.services.edits import archive_balances_of_contract, archive_balances_of_customer, end_with_contract
from balances.services.recurring import follow_subscriptions
from contracts.events import ContractArchived, ContractCreated, ContractEdited, ContractEndChanged, ContractRenewed
from contracts.parts import ContractPart
from contracts.services import archive_contracts_of_customer
from core.events import Reaction, on
from core.sweeps import list_sweeps
from customers.events import CustomerArchived
from invoices.services.charges import follow_purchases
from invoices.services.drafts import cancel_invoices, open_invoices, reschedule_invoices
from invoices.services.rollover import roll_over
from invoices.services.subscriptions import follow_edit, keep_paid_ends

REACTIONS: tuple[Reaction, ...] = (
    *on(CustomerArchived, archive_contracts_of_customer, archive_balances_of_customer),
    *on(ContractCreated, open_invoices),
    *on(ContractEdited, follow_subscriptions, follow_edit),
    *on(ContractEndChanged, end_with_contract, keep_paid_ends, reschedule_invoices),
    *on(ContractArchived, cancel_invoices, archive_balances_of_contract),
    *on(ContractRenewed, roll_over),
    *on(CommitCreated, follow_purchases),
    *on(CommitEdited, follow_purchases),
    *on(CommitArchived, follow_purchases),
)
"""In the transaction of the event, in this order (docs/adr/0003)."""

CONTRACT_EXTENSIONS: tuple[type[ContractPart], ...] = (BalancesPart,)
"""What other apps keep of contracts (docs/adr/0013)."""


def beat_schedule() -> Mapping[str, Mapping[str, Any]]:
    """The whole beat table: one entry for each sweep that an app declares in its `apps.py`, and nothing else.

    A wake-up that nobody took before the next one is dropped: they would only queue up behind each other.
    """
    return {
        sweep.name: {
            "task": sweep.name,
            "schedule": sweep.every_seconds,
            "options": {"expires": sweep.every_seconds},
        }
        for sweep in list_sweeps()
    }
