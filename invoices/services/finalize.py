"""Finalize: a draft whose period and grace are over becomes an invoice, once, with a gap-free number."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import QuerySet

from balances.selectors import purchases_of
from balances.services import charge_items, draw, lock_balances
from core import audit
from core.events import publish
from core.jobs import enqueue
from core.transactions import require_transaction, use_case
from engine.money import plain
from invoices.content_hash import content_hash
from invoices.models import Invoice, InvoiceLine, NumberSeries
from invoices.running import Running
from invoices.selectors.views import STORED, standing_of
from invoices.services.expiry import open_usage, unopened_usage

logger = logging.getLogger(__name__)
BATCH = 200
RETRY = (timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))


def due_at(period_end: datetime) -> datetime:
    """When a period's invoice becomes final: after the grace in which late usage still counts."""
    return period_end + timedelta(hours=settings.TACTUS_GRACE_HOURS)


def finalize_due_invoices(*, now: datetime) -> int:
    """Sweep: finalizes drafts that are due, each contract's in order of time; returns how many it saw to.

    At most `BATCH` of them. One that fails waits for its next attempt, and says why in `last_error`.
    """
    seen = 0
    while seen < BATCH and (outcome := _finalize_next(now)) is not None:
        seen += outcome
    return seen


def finalize_locked(invoice: Invoice, *, now: datetime) -> None:
    """The one function that finalizes. The caller holds the contract's lock and the draft's.

    Composes exactly as a draft is composed, stores lines, totals and explanation, writes what it draws from balances,
    and takes the next number; usage that is stored before this composes counts.
    """
    require_transaction()
    lock_balances(invoice.customer_id)
    composed = standing_of(invoice, Running(invoice.customer_id))
    lines = composed.lines
    InvoiceLine.objects.bulk_create(
        [
            InvoiceLine(
                invoice=invoice,
                position=position,
                credit_type_id=None if line.unit is None else line.unit.credit_type_id,
                explanation=line.stored_explanation,
                **{name: getattr(line, name) for name in STORED},
            )
            for position, line in enumerate(lines, 1)
        ],
        batch_size=1000,
    )
    invoice.subtotal, invoice.rounding, invoice.total = composed.subtotal, composed.rounding, composed.total
    invoice.unrated = list(composed.unrated)
    invoice.status = Invoice.Status.FINALIZED
    invoice.number = _next_number(now)
    invoice.issued_at = invoice.due_at
    invoice.finalized_at = now
    invoice.last_error = ""
    invoice.content_hash = content_hash(invoice, lines)
    invoice.save()
    draw(
        invoice.contract, invoice_id=invoice.pk, drawdowns=composed.drawdowns, effective_at=invoice.period_end, now=now
    )
    charge_items(invoice.contract, invoice_id=invoice.pk, purchases=composed.purchases, now=now)
    payload = {"number": invoice.number, "total": plain(composed.total), "contract_id": str(invoice.contract_id)}
    audit.record("invoice.finalize", invoice, at=now, detail=payload)
    publish("invoice.finalized", invoice, at=now, customer_id=invoice.customer_id, payload=payload)
    enqueue("invoices.render_document", invoice_id=str(invoice.pk))


def _finalize_next(now: datetime) -> int | None:
    """Sees to the oldest due draft of the next contract that nobody else is at; None when there is no such contract.

    One draft a transaction, since its number locks the series for everybody.
    """
    with use_case():
        waiting = (
            Invoice.objects.select_for_update(skip_locked=True, of=("contract",))
            .select_related("contract")
            .filter(status=Invoice.Status.DRAFT, next_attempt_at__lte=now)
            .order_by("next_attempt_at", "period_start")
            .first()
        )
        if waiting is None:
            return None
        row = _locked_drafts(waiting.contract_id, now).first()
        if row is None:  # another sweeper was faster
            return 0
        if (later := _true_up_waits(row, now)) is not None:
            Invoice.objects.filter(pk=row.pk).update(next_attempt_at=later)
            return 0
        try:
            with transaction.atomic():
                finalize_locked(row, now=now)
        except OperationalError:
            raise
        except Exception as error:
            logger.exception("invoice %s could not be finalized", row.pk)
            _postpone(row, f"{type(error).__name__}: {error}", now=now)
    return 1


def _postpone(row: Invoice, reason: str, *, now: datetime) -> None:
    """The draft is tried again later, and so are the later periods of its contract: they wait with it."""
    Invoice.objects.filter(pk=row.pk).update(attempts=row.attempts + 1, last_error=reason[:500])
    again = now + RETRY[min(row.attempts, len(RETRY) - 1)]
    Invoice.objects.filter(contract_id=row.contract_id, status=Invoice.Status.DRAFT, due_at__lte=now).update(
        next_attempt_at=again
    )


def _true_up_waits(row: Invoice, now: datetime) -> datetime | None:
    """When to look again at a true-up whose commit usage may still fulfil; None if nothing can."""
    if row.kind != Invoice.Kind.SCHEDULED:
        return None
    times: list[datetime] = []
    for purchase in purchases_of([row.pk]).get(row.pk, ()):
        if purchase.obligation is not None:
            times += open_usage(purchase.obligation).values_list("due_at", flat=True)
            if unopened_usage(purchase.obligation).filter(next_period_at__lte=now).exists():
                times.append(now)
    return max([*times, now + RETRY[0]]) if times else None


def _locked_drafts(contract_id: UUID, now: datetime) -> QuerySet[Invoice]:
    """The contract's due drafts, usage before what is charged by date, oldest first, locked."""
    return (
        Invoice.objects.select_for_update(of=("self",))
        .select_related("contract__rate_card__fiat_credit_type", "credit_type")
        .filter(contract_id=contract_id, status=Invoice.Status.DRAFT, due_at__lte=now, next_attempt_at__lte=now)
        .order_by("-kind", "period_start")
    )


def _next_number(now: datetime) -> str:
    """The next number of the year's series, from its locked counter: rolled back with the invoice, so without gaps."""
    name = f"{settings.TACTUS_INVOICE_PREFIX}-{now.year}"
    NumberSeries.objects.get_or_create(name=name)
    series = NumberSeries.objects.select_for_update().get(pk=name)
    series.last_number += 1
    series.save(update_fields=["last_number"])
    return f"{name}-{series.last_number:04d}"
