"""Charges for commits and subscriptions by date: each on a SCHEDULED period, or the usage one that ends then."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from balances.events import BalanceEvent
from billing.billed_charges import list_uncollected_charges
from billing.models import BilledCharge, BillingCursor, BillingPeriod
from billing.services.billed_charges import hold_charges, release_charges, release_moved_charges
from billing.subscription_billing import SubscriptionBilling
from billing.terms import billing_unit, load_subscription_terms
from catalog.models import CreditType
from charges.events import ScheduledChargesChanged
from contracts.models import Contract
from contracts.selectors import payer_of
from contracts.services import lock_contract
from core.jobs import enqueue
from core.transactions import require_transaction
from engine.charges import subscription_charge


def sync_purchases(events: Sequence[BalanceEvent]) -> None:
    """Reaction to what becomes of commits: the periods of their contracts follow, each contract's once."""
    invoiced = {one.invoice_contract_id: one for one in events if one.invoice_contract_id is not None}
    for contract_id, event in invoiced.items():
        _follow(contract_id, event.occurred_at)


def sync_scheduled_charges(event: ScheduledChargesChanged) -> None:
    """Reaction: the periods of the contract follow what it charges by date."""
    _follow(event.contract_id, event.occurred_at)


def collect_charges(contract: Contract, *, now: datetime, subscribed: SubscriptionBilling | None = None) -> None:
    """Puts each pending charge onto the open period of its date, and removes SCHEDULED ones that hold nothing.

    A charge whose date has changed moves to another period; one that was taken back or waived leaves its own. The
    contract is locked. `subscribed`: what the caller has read of its subscriptions.
    """
    require_transaction()
    if subscribed is None:
        subscribed = SubscriptionBilling(contract)
    opened = list(contract.billing_periods.filter(state=BillingPeriod.State.OPEN))
    on_usage = [row for row in opened if row.type == BillingPeriod.Type.USAGE]
    usage = _by_end(contract, on_usage)
    held: set[UUID] = set()
    scheduled = {
        (row.period_start, row.credit_type_id): row
        for row in opened
        if row.type == BillingPeriod.Type.SCHEDULED and row.reopened_from_id is None
    }
    movable = [row.pk for row in scheduled.values() if (row.period_start, row.credit_type_id) in usage]
    movable += [row.pk for row in on_usage]
    release_charges(period_ids=movable)
    release_moved_charges(contract_id=contract.pk)
    due = False
    made: list[BillingPeriod] = []
    holders: dict[UUID, UUID] = {}
    for charge in list_uncollected_charges(contract_id=contract.pk):
        key = charge.invoice_at, charge.credit_type_id
        row = usage.get(key) or scheduled.get(key)
        if row is None:
            row = scheduled[key] = _scheduled(contract, charge.invoice_at, charge.credit_type, now)
            made.append(row)
        holders[charge.pk] = row.pk
        due = due or row.due_at <= now
    for at, unit in _subscription_dates(subscribed, now):
        row = scheduled.get((at, unit.pk))
        if row is None:
            row = scheduled[at, unit.pk] = _scheduled(contract, at, unit, now)
            made.append(row)
        held.add(row.pk)
        due = due or row.due_at <= now
    BillingPeriod.objects.bulk_create(made)
    hold_charges(holders=holders)
    rows = {row.pk: row for row in scheduled.values()}
    charged = BilledCharge.objects.filter(period_id__in=list(rows)).values_list("period_id", flat=True)
    if empty := rows.keys() - held - set(charged):
        BillingPeriod.objects.filter(pk__in=empty).delete()
    if due:
        enqueue("invoices.finalize_due_invoices")


def _follow(contract_id: UUID, now: datetime) -> None:
    """Collects what a contract charges. One being made has no cursor: `contract.created` sees to it, once."""
    if not BillingCursor.objects.filter(contract_id=contract_id).exists():
        return
    contract = lock_contract(contract_id=contract_id)
    if contract.archived_at is None:
        collect_charges(contract, now=now)


def _subscription_dates(subscribed: SubscriptionBilling, now: datetime) -> list[tuple[datetime, CreditType]]:
    """When the contract's subscriptions are charged on invoices of their own, as far as that is known now; in what."""
    charges = subscribed.own_invoices(now) if subscribed else []
    if not charges:
        return []
    contract = subscribed.contract
    unit = billing_unit(contract)
    terms = load_subscription_terms(contract, unit, [charge.terms for charge in charges]).engine
    entitled = [charge for charge in charges if subscription_charge(terms, charge.terms) is not None]
    return [(at, unit) for at in sorted({charge.due_at for charge in entitled})]


def _by_end(contract: Contract, on_usage: Sequence[BillingPeriod]) -> dict[tuple[datetime, UUID], BillingPeriod]:
    """The usage periods that take charges of the date on which they end, by date and unit; none unless agreed so."""
    if not contract.scheduled_charges_on_usage_invoices:
        return {}
    return {(row.period_end, row.credit_type_id): row for row in on_usage}


def _scheduled(contract: Contract, at: datetime, unit: CreditType, now: datetime) -> BillingPeriod:
    return BillingPeriod(
        id=uuid4(),
        customer_id=contract.customer_id,
        payer_id=payer_of(contract, at),
        contract=contract,
        credit_type=unit,
        type=BillingPeriod.Type.SCHEDULED,
        period_start=at,
        period_end=at,
        due_at=at,
        next_attempt_at=at,
        net_payment_terms_days=contract.net_payment_terms_days,
        created_at=now,
    )
