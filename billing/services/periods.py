"""Billing periods follow their contract: one for each that has begun, cut and prolonged with it, gone with it."""

import logging
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Min, Q

from billing.models import BilledSubscription, BillingCursor, BillingPeriod
from billing.periods import covered_periods, periods_to_bill, usage_periods
from billing.services.billed_charges import move_charges, release_charges, void_charges_of
from billing.services.charges import collect_charges
from billing.services.expiry import take_back_expiries_in
from billing.subscription_billing import SubscriptionBilling
from billing.terms import billing_unit
from catalog.models import CreditType
from contracts.events import (
    ContractArchived,
    ContractCreated,
    ContractEdited,
    ContractEndChanged,
    ContractEvent,
    ContractTrialChanged,
    ContractTrialEnded,
    UsageFilterSet,
)
from contracts.models import Contract
from contracts.selectors import payer_of
from contracts.services import lock_contract
from core.errors import InvalidInput
from core.jobs import enqueue
from core.patience import is_too_slow, passes_over
from core.transactions import require_transaction, use_case
from customers.test_clocks import in_our_time
from engine.calendar import Period, rfc3339
from engine.subscriptions import InvoiceBehavior, free_ordinal

logger = logging.getLogger(__name__)
BATCH = 200
LOOK_AGAIN_AFTER = timedelta(hours=1)


def due_at(period_end: datetime) -> datetime:
    """When a usage period closes: after the grace in which late usage still counts."""
    return period_end + timedelta(hours=settings.TACTUS_GRACE_HOURS)


def open_periods_of_contract(event: ContractCreated) -> None:
    """Reaction: periods for all the time that has begun; the sweeper closes what is due."""
    _sync(event)


def reschedule_periods(event: ContractEndChanged | ContractTrialChanged | ContractTrialEnded) -> None:
    """Reaction: open periods are cut, prolonged, added or dropped with the contract's end, or with its trial."""
    _sync(event)


def follow_payment_terms(event: ContractEdited) -> None:
    """Reaction: other payment terms hold for what is not issued yet."""
    if event.net_payment_terms_days is not None:
        opened = BillingPeriod.objects.filter(contract_id=event.contract_id, state=BillingPeriod.State.OPEN)
        opened.update(net_payment_terms_days=event.net_payment_terms_days)


def drop_open_periods(event: ContractArchived) -> None:
    """Reaction: what is open is never billed."""
    contract = lock_contract(contract_id=event.contract_id)
    opened = contract.billing_periods.filter(state=BillingPeriod.State.OPEN)
    release_charges(period_ids=list(opened.values_list("pk", flat=True)))
    opened.delete()
    BillingCursor.objects.filter(contract=contract).update(next_period_at=None)


def open_due_periods(*, now: datetime) -> int:
    """Sweep: opens the periods that have begun since; returns how many contracts it saw to."""
    done, busy = 0, set[UUID]()
    while done < BATCH and (outcome := _open_next(now, busy)) is not None:
        done += outcome
    return done


def next_period_at(*, after: datetime) -> datetime | None:
    """When the next billing period begins and must be opened, after that time."""
    rows = BillingCursor.objects.filter(in_our_time("contract__customer_id"), next_period_at__gt=after)
    at: datetime | None = rows.aggregate(at=Min("next_period_at"))["at"]
    return at


def sync_periods(contract: Contract, *, now: datetime) -> None:
    """Makes the contract's open periods be what its terms say. The caller holds the contract's lock.

    What closed periods cover stays as it is; what a voided document covers is only billed again by reopening it.
    """
    require_transaction()
    known = usage_periods(contract)
    announced = BillingCursor.objects.filter(contract=contract).values_list("next_period_at", flat=True).first()
    longer: list[Period] = []
    opened = {row.period_start: row for row in known if row.state == BillingPeriod.State.OPEN}
    missing: list[Period] = []
    next_period_at = None
    for period in periods_to_bill(contract, covered_periods(known)):
        if period.start > now:
            next_period_at = period.start
            break
        row = opened.pop(period.start, None)
        if row is None:
            missing.append(period)
        elif (row.period_end, row.due_at) != (period.end, due_at(period.end)):
            if row.period_end < period.end:
                longer.append(period)
            row.period_end = period.end
            row.due_at = row.next_attempt_at = due_at(period.end)
            row.save(update_fields=["period_end", "due_at", "next_attempt_at"])
    release_charges(period_ids=[row.pk for row in opened.values()])
    for row in opened.values():  # periods that the contract no longer has
        row.delete()
    if missing:
        unit = billing_unit(contract)
        BillingPeriod.objects.bulk_create([_opened(contract, period, unit, now=now) for period in missing])
    fresh = [*longer, *(one for one in missing if announced is None or one.start < announced)]
    _revive_balances(contract, fresh, now=now)
    subscribed = SubscriptionBilling(contract)
    times = [at for at in (next_period_at, subscribed.next_period_at(now)) if at is not None]
    BillingCursor.objects.bulk_create(
        [BillingCursor(contract=contract, next_period_at=min(times, default=None))],
        update_conflicts=True, unique_fields=["contract"], update_fields=["next_period_at"],
    )  # fmt: skip
    collect_charges(contract, now=now, subscribed=subscribed)
    if any(due_at(period.end) <= now for period in missing):
        enqueue("invoices.finalize_due_invoices")


def refuse_filter_before_invoices(event: UsageFilterSet) -> None:
    """Reaction: another usage filter never changes what a final invoice bills. Raises InvalidInput."""
    billed = BillingPeriod.objects.filter(
        contract_id=event.contract_id, type=BillingPeriod.Type.USAGE, state=BillingPeriod.State.CLOSED,
        voided_at__isnull=True, period_end__gt=event.starting_at,
    )  # fmt: skip
    if (last := billed.order_by("-period_end").first()) is not None:
        raise InvalidInput(
            f"a finalized invoice bills usage up to {rfc3339(last.period_end)}; begin then, or void it first",
            field="starting_at",
        )


def close_period(period: BillingPeriod, *, subscribed: list[BilledSubscription], now: datetime) -> None:
    """A period has been billed: it is CLOSED, and holds these subscription charges. The caller holds its lock.

    Each is numbered here, within its subscription and the time that it is for.
    """
    require_transaction()
    _number(subscribed)
    period.state = BillingPeriod.State.CLOSED
    period.closed_at = now
    period.last_error = ""
    period.save(update_fields=["state", "closed_at", "last_error"])
    BilledSubscription.objects.bulk_create(subscribed)


def _number(subscribed: list[BilledSubscription]) -> None:
    """The next number for what is charged of a time that is charged already; that may be so only where at once."""
    if not subscribed:
        return
    taken: dict[tuple[UUID, datetime], list[int]] = {}
    standing = BilledSubscription.objects.filter(
        superseded=False,
        subscription__in={row.subscription_id for row in subscribed},
        subscription__invoice_behavior=InvoiceBehavior.BILL_IMMEDIATELY,
        starting_at__in={row.starting_at for row in subscribed},
    )
    for subscription_id, starting_at, ordinal in standing.values_list("subscription_id", "starting_at", "ordinal"):
        taken.setdefault((subscription_id, starting_at), []).append(ordinal)
    for row in subscribed:
        row.ordinal = free_ordinal(taken.get((row.subscription_id, row.starting_at), ()))


def release_period(period: BillingPeriod, *, now: datetime) -> None:
    """The document of a closed period was voided: it, charges included, may be billed anew. Its lock is held.

    What expired of balances that it may draw then is there again.
    """
    require_transaction()
    period.voided_at = now
    period.save(update_fields=["voided_at"])
    void_charges_of(period)
    take_back_expiries_in(
        period.payer_id, start=period.period_start, end=period.period_end, now=now, reason="the invoice was voided",
        invoice_id=period.pk,
    )  # fmt: skip


def reopen_period(period: BillingPeriod, *, period_end: datetime, now: datetime) -> BillingPeriod:
    """Another period, with its charges, in the place of one whose document was voided. The caller holds its lock."""
    require_transaction()
    is_usage = period.type == BillingPeriod.Type.USAGE
    due = due_at(period_end) if is_usage else period.due_at
    voided = Q(period=period) | Q(period__reopened_from=period, period__voided_at__isnull=False)
    BilledSubscription.objects.filter(voided).update(superseded=True)
    reopened = BillingPeriod.objects.create(
        customer_id=period.customer_id,
        payer_id=payer_of(period.contract, period.period_start),
        contract=period.contract,
        credit_type_id=period.credit_type_id,
        type=period.type,
        period_start=period.period_start,
        period_end=period_end,
        due_at=due,
        next_attempt_at=due,
        net_payment_terms_days=period.contract.net_payment_terms_days,
        reopened_from=period,
        created_at=now,
    )
    move_charges(period, to=reopened, now=now)
    return reopened


def postpone(period: BillingPeriod, *, reason: str, until: datetime, now: datetime) -> None:
    """A period could not be closed: it is tried again later, and so are the later ones of its contract."""
    BillingPeriod.objects.filter(pk=period.pk).update(attempts=period.attempts + 1, last_error=reason[:500])
    BillingPeriod.objects.filter(
        contract_id=period.contract_id, state=BillingPeriod.State.OPEN, due_at__lte=now
    ).update(next_attempt_at=until)


def lock_period(period_id: UUID) -> BillingPeriod:
    """The period with its contract, both locked by this transaction, the contract (the root) first."""
    require_transaction()
    contract_id = BillingPeriod.objects.values_list("contract_id", flat=True).get(pk=period_id)
    lock_contract(contract_id=contract_id)
    return (
        BillingPeriod.objects.select_for_update(of=("self",))
        .select_related("contract__rate_card__fiat_credit_type", "credit_type", "customer")
        .get(pk=period_id)
    )


def _open_next(now: datetime, busy: set[UUID]) -> int | None:
    """Follows the contract that has waited longest and that nobody else is at; None when there is none.

    The contract is locked first and its cursor after it, as every other use case does. One that cannot be followed
    holds nobody up: it is tried again later, and in the next run where others hold what it needs (`busy` takes it).
    """
    contract = None
    try:
        with use_case():
            contract = (
                Contract.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(in_our_time("customer_id"), billing_cursor__next_period_at__lte=now)
                .exclude(pk__in=busy)
                .order_by("billing_cursor__next_period_at")
                .first()
            )
            if contract is None:
                return None
            try:
                with transaction.atomic():
                    sync_periods(contract, now=now)
            except Exception as error:
                if isinstance(error, OperationalError) and not is_too_slow(error):
                    raise
                logger.exception("the periods of contract %s could not be opened", contract.pk)
                BillingCursor.objects.filter(contract=contract).update(next_period_at=now + LOOK_AGAIN_AFTER)
    except OperationalError as error:
        if contract is None or not passes_over(error):
            raise
        busy.add(contract.pk)
        return 0
    return 1


def _sync(event: ContractEvent) -> None:
    sync_periods(lock_contract(contract_id=event.contract_id), now=event.occurred_at)


def _revive_balances(contract: Contract, fresh: list[Period], *, now: datetime) -> None:
    """Takes back what expired of balances that these periods may draw, of which nothing was known before.

    A period that the contract's cursor announced needs none: until it opened, the sweep left its balances alone.
    """
    if fresh:
        start, end = min(period.start for period in fresh), max(period.end for period in fresh)
        payer_id = payer_of(contract, start)
        take_back_expiries_in(payer_id, start=start, end=end, now=now, reason="a period may draw on it")


def _opened(contract: Contract, period: Period, unit: CreditType, *, now: datetime) -> BillingPeriod:
    return BillingPeriod(
        id=uuid4(),
        customer_id=contract.customer_id,
        payer_id=payer_of(contract, period.start),
        contract=contract,
        credit_type=unit,
        period_start=period.start,
        period_end=period.end,
        due_at=due_at(period.end),
        next_attempt_at=due_at(period.end),
        net_payment_terms_days=contract.net_payment_terms_days,
        created_at=now,
    )
