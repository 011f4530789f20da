"""Drafts follow their contract: one for each billing period that has begun, cut and prolonged with it, gone when it is archived."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.conf import settings

from contracts.models import Contract
from contracts.selectors import billing_schedule
from contracts.services import lock_contract
from core.errors import Conflict
from core.jobs import enqueue
from core.models import Event
from core.transactions import require_transaction, use_case
from engine.calendar import Period, periods
from invoices.composition import billing_unit
from invoices.models import BillingCursor, Invoice
from invoices.services.void import void_locked

BATCH = 100
FOREVER = datetime.max.replace(tzinfo=UTC)


def open_invoices(event: Event) -> None:
    """Reaction to `contract.created`: drafts for all periods that have begun; those already due are finalized by the sweeper."""
    _follow(event)


def reschedule_invoices(event: Event) -> None:
    """Reaction to `contract.end_changed`. Raises Conflict if the caller forbade an end before a finalized invoice's end."""
    contract = _follow(event)
    if event.payload.get("strict") and contract.ending_before is not None:
        late = contract.invoices.filter(status=Invoice.Status.FINALIZED, period_end__gt=contract.ending_before)
        if late.exists():
            raise Conflict("a finalized invoice ends after this", field="ending_before")


def cancel_invoices(event: Event) -> None:
    """Reaction to `contract.archived`: drafts go; finalized invoices become void only if asked for."""
    contract = lock_contract(contract_id=event.subject_id)
    contract.invoices.filter(status=Invoice.Status.DRAFT).delete()
    BillingCursor.objects.filter(contract=contract).update(next_period_at=None)
    if event.payload.get("void_invoices"):
        for invoice in contract.invoices.select_for_update().filter(status=Invoice.Status.FINALIZED).order_by("pk"):
            void_locked(invoice, now=event.occurred_at)


def open_due_periods(*, now: datetime) -> int:
    """Sweep: opens the drafts of periods that have begun since; returns the number of contracts seen to."""
    done = 0
    while True:
        with use_case():
            cursors = BillingCursor.objects.select_for_update(skip_locked=True).filter(next_period_at__lte=now)
            due = list(cursors.order_by("next_period_at").values_list("pk", flat=True)[:BATCH])
            for contract in Contract.objects.select_for_update().filter(pk__in=due).order_by("pk"):
                follow_contract(contract, now=now)
            done += len(due)
        if len(due) < BATCH:
            return done


def follow_contract(contract: Contract, *, now: datetime) -> None:
    """Makes the contract's drafts be what its terms say. The caller holds the contract's lock.

    Periods covered by a finalized invoice stay as they are, a voided one is only billed again by regenerating it.
    """
    require_transaction()
    standing = list(contract.invoices.filter(kind=Invoice.Kind.USAGE))
    drafts = {row.period_start: row for row in standing if row.status == Invoice.Status.DRAFT}
    final = {row.period_start: row for row in standing if row.status == Invoice.Status.FINALIZED}
    voided = {row.period_start for row in standing if row.status == Invoice.Status.VOID} - drafts.keys() - final.keys()
    grace = timedelta(hours=settings.TACTUS_GRACE_HOURS)
    missing: list[Invoice] = []
    next_period_at = None
    for period in _billed_periods(contract, final):
        if period.start > now:
            next_period_at = period.start
            break
        if period.start in voided:
            continue
        row = drafts.pop(period.start, None)
        if row is None:
            missing.append(_draft(contract, period, now=now, due_at=period.end + grace))
        elif row.period_end != period.end:
            row.period_end = period.end
            row.due_at = row.next_attempt_at = period.end + grace
            row.save(update_fields=["period_end", "due_at", "next_attempt_at"])
    for row in drafts.values():  # periods that the contract no longer has
        row.delete()
    Invoice.objects.bulk_create(missing)
    BillingCursor.objects.update_or_create(contract=contract, defaults={"next_period_at": next_period_at})
    if any(row.due_at <= now for row in missing):
        enqueue("invoices.sweep_due")


def _follow(event: Event) -> Contract:
    contract = lock_contract(contract_id=event.subject_id)
    follow_contract(contract, now=event.occurred_at)
    return contract


def _billed_periods(contract: Contract, final: dict[datetime, Invoice]) -> Iterator[Period]:
    """The contract's periods without an end, less what finalized invoices cover: one prolonged after its invoice leaves a rest."""
    first = contract.invoice_generation_starting_at
    for period in periods(billing_schedule(contract), contract.starting_at, contract.ending_before, FOREVER):
        if first is not None and period.start < first:
            continue
        start = period.start
        while start in final:
            start = final[start].period_end
        if start < period.end:
            yield Period(start, period.end)


def _draft(contract: Contract, period: Period, *, now: datetime, due_at: datetime) -> Invoice:
    return Invoice(
        id=uuid4(),
        customer_id=contract.customer_id,
        contract=contract,
        credit_type=billing_unit(contract),
        period_start=period.start,
        period_end=period.end,
        due_at=due_at,
        next_attempt_at=due_at,
        net_payment_terms_days=contract.net_payment_terms_days,
        created_at=now,
    )
