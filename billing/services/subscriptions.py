"""What edits of subscriptions mean for invoices: open ones follow, final ones never change."""

from datetime import datetime
from uuid import UUID

from django.db.models import Min

from billing.periods import covered_periods, usage_periods
from billing.services.periods import sync_periods
from billing.subscription_billing import SubscriptionBilling, billed_differently, key_of
from contracts.events import ContractEdited, ContractEndChanged
from contracts.models import Contract, SubscriptionChange
from contracts.selectors.subscriptions import MOMENT
from contracts.services import lock_contract, pin_end
from core.errors import InvalidInput
from core.transactions import require_transaction
from engine.subscriptions import Collection, on_usage_invoice


def sync_subscriptions(event: ContractEdited) -> None:
    """Reaction: invoices of their own for what is now charged by date.

    Raises InvalidInput where a change of a subscription would change a finalized invoice.
    """
    contract = lock_contract(contract_id=event.contract_id)
    if event.updated_subscriptions:
        mine = SubscriptionChange.objects.filter(added_by_id=event.edit_id)
        check_final_invoices(
            contract,
            changed=[one.subscription_id for one in event.updated_subscriptions],
            since=mine.aggregate(first=Min("starting_at"))["first"],
            now=event.occurred_at,
        )
    if contract.has_subscriptions:
        sync_periods(contract, now=event.occurred_at)


def check_final_invoices(contract: Contract, *, changed: list[UUID], since: datetime | None, now: datetime) -> None:
    """Raises InvalidInput unless all that finalized (and void) invoices charge for these subscriptions still holds.

    A change in a closed period is one that such an invoice would have to say otherwise, or would have to charge too.
    `since`: the earliest change of quantity.
    """
    require_transaction()
    subscribed = SubscriptionBilling(contract)
    closed = covered_periods(usage_periods(contract))
    settled = subscribed.settled()
    asked = {str(subscription_id): index for index, subscription_id in enumerate(changed)}
    until = max([now, *(held.ending_before for held in settled.values()), *(period.end for period in closed)])
    for charge in subscribed.charges(until + MOMENT):
        held = settled.pop(key_of(charge), None)
        if charge.terms.subscription_id not in asked:
            continue
        fresh = held is None and since is not None and charge.terms.window.start >= since and charge.terms.quantity
        late = fresh and any(on_usage_invoice(charge, period) for period in closed)
        if late or (held is not None and billed_differently(charge, held)):
            raise _closed(asked[charge.terms.subscription_id], charge.terms.window.start)
    for subscription_id, start, _ in settled:  # charged, and no longer agreed
        if subscription_id in asked:
            raise _closed(asked[subscription_id], start)


def preserve_prepaid_ends(event: ContractEndChanged) -> None:
    """Reaction: what was charged in advance up to the old end stays ended there."""
    old_end = event.previous_ending_before
    contract = lock_contract(contract_id=event.contract_id)
    if old_end is None or (contract.ending_before is not None and contract.ending_before <= old_end):
        return
    settled = SubscriptionBilling(contract).settled()
    rows = contract.subscriptions.filter(
        collection_schedule=Collection.ADVANCE, ending_before__isnull=True, starting_at__lt=old_end
    )
    for row in rows:
        if any(key[0] == str(row.pk) and held.ending_before == old_end for key, held in settled.items()):
            pin_end(row, end=old_end)


def _closed(index: int, start: datetime) -> InvalidInput:
    return InvalidInput(
        f"a finalized invoice charges for the time from {start:%Y-%m-%d %H:%M} on, and would change",
        field=f"update_subscriptions.{index}",
    )
