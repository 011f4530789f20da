"""Who hears of what, and what runs when: the tables that only the composition root may write, since it knows all apps.

Read when first needed (settings name this module's tables by dotted path), so it may import services.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from balances.contract_part import BalancesPart
from balances.events import CommitArchived, CommitCreated, CommitEdited
from balances.services.edits import archive_balances_of_contract, archive_balances_of_customer, end_with_contract
from balances.services.recurring import sync_subscription_grants
from balances.threshold_part import ThresholdsPart
from billing.selectors.foreseen import foresee as foresee_account
from billing.selectors.live_balances import balances_now
from billing.services.charges import sync_purchases, sync_scheduled_charges
from billing.services.periods import (
    drop_open_periods,
    follow_payment_terms,
    open_periods_of_contract,
    refuse_filter_before_invoices,
    reschedule_periods,
)
from billing.services.rollover import roll_over
from billing.services.subscriptions import preserve_prepaid_ends, sync_subscriptions
from charges.contract_part import ScheduledPart
from charges.events import ScheduledChargesChanged
from charges.services import archive_scheduled_of_contract, end_scheduled
from contracts.events import (
    ContractArchived,
    ContractCreated,
    ContractEdited,
    ContractEndChanged,
    ContractRenewed,
    ContractTrialChanged,
    ContractTrialEnded,
    UsageFilterSet,
)
from contracts.parts import ContractPart
from contracts.provider_part import ProvidersPart
from contracts.services import archive_contracts_of_customer
from contracts.services.renewals import follow_end
from contracts.trial_part import TrialPart
from core.api.dry_run import Foresee
from core.events import Reaction, on, on_all
from core.sweeps import list_sweeps
from customers.events import CustomerArchived
from invoices.services.void import refuse_end_before_invoices, void_invoices_of_contract

REACTIONS: tuple[Reaction, ...] = (
    *on(CustomerArchived, archive_contracts_of_customer, archive_balances_of_customer),
    *on(ContractCreated, open_periods_of_contract),
    *on(ContractEdited, sync_subscription_grants, sync_subscriptions, follow_payment_terms),
    *on(
        ContractEndChanged,
        follow_end,
        end_with_contract,
        end_scheduled,
        preserve_prepaid_ends,
        reschedule_periods,
        refuse_end_before_invoices,
    ),
    *on(
        ContractArchived,
        drop_open_periods,
        void_invoices_of_contract,
        archive_scheduled_of_contract,
        archive_balances_of_contract,
    ),
    *on(ContractTrialChanged, reschedule_periods),
    *on(ContractTrialEnded, reschedule_periods),
    *on(UsageFilterSet, refuse_filter_before_invoices),
    *on(ContractRenewed, roll_over),
    *on(ScheduledChargesChanged, sync_scheduled_charges),
    *on_all(CommitCreated, sync_purchases),
    *on_all(CommitEdited, sync_purchases),
    *on_all(CommitArchived, sync_purchases),
)
"""In the transaction of the event, in this order (docs/adr/0003)."""

CONTRACT_EXTENSIONS: tuple[Callable[[], ContractPart], ...] = (
    partial(BalancesPart, balances_now),
    ScheduledPart,
    ThresholdsPart,
    ProvidersPart,
    TrialPart,
)
"""What other apps keep of contracts (docs/adr/0013)."""

foresee: Foresee = foresee_account
"""Who says what a dry run would do (docs/adr/0029)."""


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
