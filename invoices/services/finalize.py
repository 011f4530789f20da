"""Finalize: a billing period whose time and grace are over becomes an invoice, once, with a gap-free number."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import Exists, Min, OuterRef, QuerySet

from balances.selectors import overdue_grants, purchases_of
from balances.services import draw, lock_balances, settle_true_ups
from billing.billed_charges import charges_on
from billing.compute import ComputedInvoice, compute_invoice
from billing.context import DRAWING_ORDER
from billing.lines import currency_view
from billing.models import BilledSubscription, BillingPeriod
from billing.services.expiry import open_usage, unopened_usage
from billing.services.periods import close_period, postpone
from charges.services import invoice_charges
from core import audit
from core.events import publish
from core.jobs import enqueue
from core.patience import is_too_slow, passes_over
from core.transactions import require_transaction, use_case
from customers.test_clocks import in_our_time
from engine.invoice_states import InvoiceType, PeriodState
from engine.money import ZERO, add, plain
from invoices.events import InvoiceFinalized
from invoices.models import Invoice, InvoiceLine
from invoices.selectors.document import document_of
from invoices.selectors.views import STORED
from invoices.services.freezing import freeze_document
from invoices.services.settlement import open_settlement

logger = logging.getLogger(__name__)
BATCH = 200
RETRY = (timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))


def finalize_due_invoices(*, now: datetime) -> int:
    """Sweep: closes billing periods that are due, each account's in the order in which they draw; returns how many.

    At most `BATCH` of them. One that fails waits for its next attempt, and says why in `last_error`; an account that
    somebody else holds waits for the next run.
    """
    seen, busy = 0, set[UUID]()
    while seen < BATCH and (outcome := _finalize_next(now, busy)) is not None:
        seen += outcome
    return seen


def next_due_at(*, after: datetime) -> datetime | None:
    """When the next billing period is to close, after that time."""
    rows = BillingPeriod.objects.filter(in_our_time("customer_id"), state=PeriodState.OPEN, next_attempt_at__gt=after)
    at: datetime | None = rows.aggregate(at=Min("next_attempt_at"))["at"]
    return at


def finalize_locked(period: BillingPeriod, *, now: datetime) -> Invoice:
    """The one function that closes a period and issues its invoice. The caller holds the contract's lock and its own.

    Computes exactly as a draft is computed, and stores lines, totals and explanation, what it draws from balances, and
    the next number; usage that is stored before this computes counts.
    """
    require_transaction()
    lock_balances(period.payer_id)
    computed = compute_invoice(period, at=now, closing=True)
    invoice = _issue(period, computed, now=now)
    close_period(period, subscribed=_subscribed(period, computed), now=now)
    draw(period.contract, invoice_id=invoice.pk, drawdowns=computed.drawdowns, effective_at=period.period_end, now=now)
    invoice_charges(amounts=computed.charged, shares=computed.shares, now=now)
    settle_true_ups(
        period.contract, invoice_id=invoice.pk, purchases=computed.purchases, amounts=computed.charged, now=now
    )
    detail = {"number": invoice.number, "total": plain(computed.total), "contract_id": str(invoice.contract_id)}
    audit.record("invoice.finalize", invoice, at=now, detail=detail)
    publish(
        InvoiceFinalized(
            invoice_id=invoice.pk,
            customer_id=invoice.customer_id,
            contract_id=invoice.contract_id,
            occurred_at=now,
            number=invoice.number,
            total=computed.total,
            credit_type_id=invoice.credit_type_id,
        )
    )
    enqueue("invoices.render_document", invoice_id=str(invoice.pk))
    return invoice


def _issue(period: BillingPeriod, computed: ComputedInvoice, *, now: datetime) -> Invoice:
    """The document and its lines."""
    invoice = Invoice(
        id=period.pk,
        billing_period=period,
        customer=period.customer,
        payer_id=period.payer_id,
        contract=period.contract,
        credit_type=period.credit_type,
        type=period.type,
        period_start=period.period_start,
        period_end=period.period_end,
        due_at=period.due_at,
        subtotal=computed.subtotal,
        rounding=computed.rounding,
        total=computed.total,
        net_payment_terms_days=period.net_payment_terms_days,
        regenerated_from_id=period.reopened_from_id,
        created_at=period.created_at,
        issued_at=period.due_at,
        finalized_at=now,
        unrated=list(computed.unrated),
    )
    lines, document = document_of(computed.lines, currency_view(period.credit_type))
    freeze_document(invoice, lines=lines, document=document, now=now)
    invoice.save(force_insert=True)
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
    open_settlement(invoice)
    return invoice


def _subscribed(period: BillingPeriod, computed: ComputedInvoice) -> list[BilledSubscription]:
    """The subscription charges on the invoice: of one subscription and time it has one; closing numbers it."""
    found: dict[tuple[UUID, datetime], BilledSubscription] = {}
    for line in computed.lines:
        if line.type != "subscription":
            continue
        if line.subscription_id is None or line.starting_at is None or line.ending_before is None:
            raise ValueError(f"the subscription line {line.id} says not what it charges for")
        row = found.setdefault(
            (line.subscription_id, line.starting_at),
            BilledSubscription(
                period=period, subscription_id=line.subscription_id, starting_at=line.starting_at,
                ending_before=line.ending_before, quantity=ZERO,
            ),
        )  # fmt: skip
        row.quantity = add(row.quantity, line.quantity or ZERO)
    return list(found.values())


def _finalize_next(now: datetime, busy: set[UUID]) -> int | None:
    """Sees to the due period that waits longest and whose contract nobody else is at; None when there is none.

    One a transaction, since its number locks the series for everybody. Of those that wait equally long the one that
    draws first comes first: then none has to compute what others leave it. An account whose recurring grants have more
    to issue waits: its invoices draw on that. `busy` takes the paying account of one whose other rows or balances
    somebody holds: it is left for the next run.
    """
    owed = overdue_grants(now).filter(contract__customer_id=OuterRef("payer_id"))
    waiting = None
    try:
        with use_case():
            waiting = (
                BillingPeriod.objects.select_for_update(skip_locked=True, of=("contract",))
                .select_related("contract")
                .filter(~Exists(owed), in_our_time("customer_id"), state=PeriodState.OPEN, next_attempt_at__lte=now)
                .exclude(payer_id__in=busy)
                .order_by("next_attempt_at", *DRAWING_ORDER)
                .first()
            )
            return None if waiting is None else _finalize_of(waiting.contract_id, now)
    except OperationalError as error:
        if waiting is None or not passes_over(error):
            raise
        busy.add(waiting.payer_id)
        return 0


def _finalize_of(contract_id: UUID, now: datetime) -> int:
    """Sees to the first due period of a contract whose lock the caller holds; how many it saw to."""
    period = _locked_periods(contract_id, now).first()
    if period is None:  # another sweeper was faster
        return 0
    if (later := _true_up_waits(period, now)) is not None:
        BillingPeriod.objects.filter(pk=period.pk).update(next_attempt_at=later)
        return 0
    try:
        with transaction.atomic():
            finalize_locked(period, now=now)
    except Exception as error:
        if isinstance(error, OperationalError) and not is_too_slow(error):
            raise
        logger.exception("billing period %s could not be closed", period.pk)
        again = now + RETRY[min(period.attempts, len(RETRY) - 1)]
        postpone(period, reason=f"{type(error).__name__}: {error}", until=again, now=now)
    return 1


def _true_up_waits(period: BillingPeriod, now: datetime) -> datetime | None:
    """When to look again at a true-up whose commit usage may still fulfil; None if nothing can."""
    if period.type != InvoiceType.SCHEDULED:
        return None
    times: list[datetime] = []
    for purchase in purchases_of(charges_on(period.pk)):
        if purchase.obligation is not None:
            times += open_usage(purchase.obligation).values_list("due_at", flat=True)
            if unopened_usage(purchase.obligation).filter(next_period_at__lte=now).exists():
                times.append(now)
    return max([*times, now + RETRY[0]]) if times else None


def _locked_periods(contract_id: UUID, now: datetime) -> QuerySet[BillingPeriod]:
    """The contract's due periods, usage before what is charged by date, oldest first, locked."""
    return (
        BillingPeriod.objects.select_for_update(of=("self",))
        .select_related("contract__rate_card__fiat_credit_type", "credit_type", "customer")
        .filter(contract_id=contract_id, state=PeriodState.OPEN, due_at__lte=now, next_attempt_at__lte=now)
        .order_by("-type", "period_start")
    )
