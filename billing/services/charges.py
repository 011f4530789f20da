"""Charges for commits and subscriptions by date: each stands on a SCHEDULED invoice, which is a draft until then."""

from datetime import datetime
from uuid import UUID, uuid4

from django.db.models import QuerySet

from balances.models import InvoiceItem
from balances.selectors import waiting_items
from balances.services import release_items
from billing.models import BillingPeriod
from billing.subscription_billing import SubscriptionBilling
from billing.terms import billing_unit, load_subscription_terms
from catalog.models import CreditType
from contracts.models import Contract
from contracts.selectors import payer_of
from contracts.services import lock_contract
from core.jobs import enqueue
from core.models import Event
from core.transactions import require_transaction
from engine.charges import subscription_charge


def sync_purchases(event: Event) -> None:
    """Reaction to what becomes of commits: the invoices of their contract follow."""
    if contract_id := event.payload.get("invoice_contract_id"):
        contract = lock_contract(contract_id=UUID(contract_id))
        if contract.archived_at is None:
            sync_charges(contract, now=event.occurred_at)


def sync_charges(contract: Contract, *, now: datetime) -> None:
    """Puts what waits onto the draft of its date, and removes drafts that hold nothing. The contract is locked."""
    require_transaction()
    usage = _usage_drafts(contract)
    held: set[UUID] = set()
    drafts = {
        (row.period_start, row.credit_type_id): row
        for row in contract.billing_periods.filter(
            type=BillingPeriod.Type.SCHEDULED, state=BillingPeriod.State.OPEN, reopened_from__isnull=True
        )
    }
    movable = [row.pk for row in drafts.values() if (row.period_start, row.credit_type_id) in usage]
    movable += [row.pk for row in _open_usage(contract)]
    release_items(contract, invoice_ids=movable)
    due = False
    for item in waiting_items(contract_id=contract.pk):
        unit = item.owner.invoice_credit_type
        if unit is None:
            continue
        key = item.timestamp, unit.pk
        row = usage.get(key) or drafts.get(key)
        if row is None:
            row = drafts[key] = _draft(contract, item.timestamp, unit, now)
            row.save(force_insert=True)
        item.invoice_id, item.invoice_status = row.pk, InvoiceItem.InvoiceStatus.DRAFT
        item.save(update_fields=["invoice_id", "invoice_status"])
        due = due or row.due_at <= now
    for at in _subscription_dates(contract, now):
        unit = billing_unit(contract)
        row = drafts.get((at, unit.pk))
        if row is None:
            row = drafts[at, unit.pk] = _draft(contract, at, unit, now)
            row.save(force_insert=True)
        held.add(row.pk)
        due = due or row.due_at <= now
    rows = {row.pk: row for row in drafts.values()}
    on_drafts = InvoiceItem.objects.filter(invoice_id__in=list(rows)).values_list("invoice_id", flat=True)
    for invoice_id in rows.keys() - held - set(on_drafts):
        rows[invoice_id].delete()
    if due:
        enqueue("invoices.sweep_due")


def _subscription_dates(contract: Contract, now: datetime) -> list[datetime]:
    """When the contract's subscriptions are charged on invoices of their own, as far as that is known now."""
    subscribed = SubscriptionBilling(contract)
    charges = subscribed.own_invoices(now) if subscribed else []
    if not charges:
        return []
    terms = load_subscription_terms(contract, billing_unit(contract), [charge.terms for charge in charges]).engine
    entitled = [charge for charge in charges if subscription_charge(terms, charge.terms) is not None]
    return sorted({charge.due_at for charge in entitled})


def _open_usage(contract: Contract) -> QuerySet[BillingPeriod]:
    return contract.billing_periods.filter(type=BillingPeriod.Type.USAGE, state=BillingPeriod.State.OPEN)


def _usage_drafts(contract: Contract) -> dict[tuple[datetime, UUID], BillingPeriod]:
    """The usage drafts that take charges of the date on which they end, by date and unit; none unless agreed so."""
    if not contract.scheduled_charges_on_usage_invoices:
        return {}
    return {(row.period_end, row.credit_type_id): row for row in _open_usage(contract)}


def _draft(contract: Contract, at: datetime, unit: CreditType, now: datetime) -> BillingPeriod:
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
