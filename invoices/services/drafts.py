"""Drafts follow their contract: one for each billing period that has begun, cut and prolonged with it, gone with it."""

import logging
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import OperationalError, transaction

from balances.services import release_items
from catalog.models import CreditType
from contracts.events import ContractArchived, ContractCreated, ContractEndChanged, ContractEvent
from contracts.models import Contract
from contracts.services import lock_contract
from core.errors import Conflict
from core.jobs import enqueue
from core.transactions import require_transaction, use_case
from engine.calendar import Period
from invoices.composition import billing_unit
from invoices.models import BillingCursor, Invoice
from invoices.periods import covered_periods, periods_to_bill
from invoices.services.charges import follow_charges
from invoices.services.finalize import due_at
from invoices.services.void import void_locked
from invoices.subscriptions import Subscribed

logger = logging.getLogger(__name__)
BATCH = 200
LOOK_AGAIN_AFTER = timedelta(hours=1)


def open_invoices(event: ContractCreated) -> None:
    """Reaction: drafts for all periods that have begun; the sweeper finalizes what is due."""
    _follow(event)


def reschedule_invoices(event: ContractEndChanged) -> None:
    """Reaction: drafts are cut, prolonged, added or removed with the contract's end.

    Raises Conflict if the caller forbade an end before a finalized invoice's end.
    """
    contract = _follow(event)
    if event.strict and contract.ending_before is not None:
        late = contract.invoices.filter(status=Invoice.Status.FINALIZED, period_end__gt=contract.ending_before)
        if late.exists():
            raise Conflict("a finalized invoice ends after this", field="ending_before")


def cancel_invoices(event: ContractArchived) -> None:
    """Reaction: drafts go; finalized invoices become void only if asked for."""
    contract = lock_contract(contract_id=event.contract_id)
    contract.invoices.filter(status=Invoice.Status.DRAFT).delete()
    BillingCursor.objects.filter(contract=contract).update(next_period_at=None)
    if event.void_invoices:
        for invoice in contract.invoices.select_for_update().filter(status=Invoice.Status.FINALIZED).order_by("pk"):
            void_locked(invoice, now=event.occurred_at)


def open_due_periods(*, now: datetime) -> int:
    """Sweep: opens the drafts of periods that have begun since; returns how many contracts it saw to."""
    done = 0
    while done < BATCH and _open_next(now):
        done += 1
    return done


def follow_contract(contract: Contract, *, now: datetime) -> None:
    """Makes the contract's drafts be what its terms say. The caller holds the contract's lock.

    What finalized invoices cover stays as it is; what a void one covers is only billed again by regenerating it.
    """
    require_transaction()
    standing = list(contract.invoices.filter(kind=Invoice.Kind.USAGE))
    drafts = {row.period_start: row for row in standing if row.status == Invoice.Status.DRAFT}
    missing: list[Period] = []
    next_period_at = None
    for period in periods_to_bill(contract, covered_periods(standing)):
        if period.start > now:
            next_period_at = period.start
            break
        row = drafts.pop(period.start, None)
        if row is None:
            missing.append(period)
        elif (row.period_end, row.due_at) != (period.end, due_at(period.end)):
            row.period_end = period.end
            row.due_at = row.next_attempt_at = due_at(period.end)
            row.save(update_fields=["period_end", "due_at", "next_attempt_at"])
    release_items(contract, invoice_ids=[row.pk for row in drafts.values()])
    for row in drafts.values():  # periods that the contract no longer has
        row.delete()
    if missing:
        unit = billing_unit(contract)
        Invoice.objects.bulk_create([_draft(contract, period, unit, now=now) for period in missing])
    times = [at for at in (next_period_at, Subscribed(contract).next_period_at(now)) if at is not None]
    BillingCursor.objects.update_or_create(contract=contract, defaults={"next_period_at": min(times, default=None)})
    follow_charges(contract, now=now)
    if any(due_at(period.end) <= now for period in missing):
        enqueue("invoices.finalize_due_invoices")


def _open_next(now: datetime) -> bool:
    """Follows the contract that has waited longest and that nobody else is at; False when there is none.

    The contract is locked first and its cursor after it, as every other use case does. One that cannot be followed
    holds nobody up: it is tried again later.
    """
    with use_case():
        contract = (
            Contract.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(billing_cursor__next_period_at__lte=now)
            .order_by("billing_cursor__next_period_at")
            .first()
        )
        if contract is None:
            return False
        try:
            with transaction.atomic():
                follow_contract(contract, now=now)
        except OperationalError:
            raise
        except Exception:
            logger.exception("the periods of contract %s could not be opened", contract.pk)
            BillingCursor.objects.filter(contract=contract).update(next_period_at=now + LOOK_AGAIN_AFTER)
    return True


def _follow(event: ContractEvent) -> Contract:
    contract = lock_contract(contract_id=event.contract_id)
    follow_contract(contract, now=event.occurred_at)
    return contract


def _draft(contract: Contract, period: Period, unit: CreditType, *, now: datetime) -> Invoice:
    return Invoice(
        id=uuid4(),
        customer_id=contract.customer_id,
        contract=contract,
        credit_type=unit,
        period_start=period.start,
        period_end=period.end,
        due_at=due_at(period.end),
        next_attempt_at=due_at(period.end),
        net_payment_terms_days=contract.net_payment_terms_days,
        created_at=now,
    )
