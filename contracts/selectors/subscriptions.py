"""Reads of subscriptions: what they charge, how many units they had when, and when their billing periods are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from catalog.models import Rate
from catalog.selectors import state_at, subscription_schedules
from contracts.models import Contract, Subscription, SubscriptionChange
from contracts.selectors.contracts import billing_schedule
from contracts.selectors.overrides import engine_overrides
from contracts.selectors.trials import paid_from
from core.errors import NotFound
from engine.calendar import BillingSchedule, Frequency, Period, periods
from engine.charges import subscription_charge
from engine.invoice import InvoiceTerms
from engine.money import ZERO, fiat, total
from engine.overrides import Prioritization
from engine.prices import walk
from engine.proration import AmountRounding, ProrationRounding
from engine.quantities import Change, ChangeKind, Standing, history, quantities, standing_at
from engine.rating import RateSchedule
from engine.subscriptions import (
    BilledQuantity,
    Collection,
    InvoiceBehavior,
    Placement,
    SubscriptionCharge,
    subscription_charges,
)
from engine.subscriptions import Subscription as EngineSubscription
from engine.terms import SubscriptionTerms

MOMENT = timedelta(microseconds=1)
FOREVER = datetime.max.replace(tzinfo=UTC)
_NO_RATE = RateSchedule(())


def subscription_rows() -> QuerySet[Subscription]:
    """Subscriptions in the order of adding, with their changes, product and pricing unit; four queries."""
    changes = SubscriptionChange.objects.order_by("starting_at", "id")
    units = Rate.objects.filter(
        rate_card=OuterRef("contract__rate_card"), product=OuterRef("product"), credit_type__is_currency=False
    )
    return (
        Subscription.objects.select_related("contract__rate_card", "product")
        .prefetch_related(Prefetch("changes", queryset=changes), "product__versions")
        .annotate(custom_unit=Subquery(units.values("credit_type")[:1]))
    )


def custom_unit_of(row: Subscription) -> UUID | None:
    """The custom pricing unit that its card prices it in, None for money. The row is one of `subscription_rows`."""
    unit: UUID | None = vars(row)["custom_unit"]
    return unit


def get_subscription(*, subscription_id: UUID, contract_id: UUID, customer_id: UUID) -> Subscription:
    """One subscription. Raises NotFound for an unknown id and, alike, for one of another contract or customer."""
    rows = subscription_rows().filter(contract_id=contract_id, contract__customer_id=customer_id)
    found = rows.filter(pk=subscription_id).first()
    if found is None:
        raise NotFound(f"no subscription {subscription_id}", field="subscription_id")
    return found


def subscriptions_of(contract_ids: Iterable[UUID]) -> dict[UUID, list[Subscription]]:
    """The contracts' subscriptions, each contract's in the order of adding; four queries, however many there are."""
    found: dict[UUID, list[Subscription]] = {}
    for row in subscription_rows().filter(contract_id__in=list(contract_ids)):
        found.setdefault(row.contract_id, []).append(row)
    return found


def charged_from(row: Subscription) -> datetime | None:
    """Where it begins to charge: at its start, or where its contract's trial is over; None while that is open."""
    paid = paid_from(row.contract)
    return None if paid is None else max(row.starting_at, paid)


def end_of(row: Subscription) -> datetime | None:
    """Where it ends: at its own end or with its contract, whichever comes first."""
    ends = [end for end in (row.ending_before, row.contract.ending_before) if end is not None]
    return min(ends) if ends else None


def schedule_of(row: Subscription) -> BillingSchedule:
    """What its billing periods are counted from."""
    if row.billing_anchor_at is None:
        base = billing_schedule(row.contract)
        return BillingSchedule(Frequency(row.billing_frequency), base.anchor, base.hour)
    anchor = row.billing_anchor_at
    return BillingSchedule(Frequency(row.billing_frequency), date(anchor.year, anchor.month, anchor.day), anchor.hour)


def periods_of(row: Subscription, until: datetime, since: datetime | None = None) -> Iterator[Period]:
    """Its billing periods that begin before `until`, with `since` those that end after it.

    None where its contract ends before it begins, nor for the time of a trial.
    """
    start, end = charged_from(row), end_of(row)
    if start is not None and (end is None or start < end):
        yield from periods(schedule_of(row), start, end, until, since)


def history_of(row: Subscription) -> tuple[Standing, ...]:
    """Its quantity and seats over time, future changes included; nothing is said of its end."""
    return history(change_of(change) for change in row.changes.all())


def change_of(row: SubscriptionChange) -> Change:
    """A change as the engine knows it."""
    return Change(
        row.starting_at, ChangeKind(row.kind), ZERO if row.quantity is None else row.quantity, tuple(row.seat_ids)
    )


def engine_subscription(
    row: Subscription,
    rates: RateSchedule,
    *,
    changes: Sequence[SubscriptionChange] | None = None,
    billed: Sequence[BilledQuantity] = (),
) -> EngineSubscription | None:
    """A subscription as the engine knows it; None where its contract, or its trial, ends before it begins.

    `changes`: of one that is not stored yet. `billed`: what final invoices charge of one whose increases are billed
    immediately.
    """
    start, end = charged_from(row), end_of(row)
    if start is None or (end is not None and end <= start):
        return None
    rounding = row.proration_rounding
    return EngineSubscription(
        subscription_id=str(row.pk),
        product_id=str(row.product_id),
        name=row.name,
        frequency=Frequency(row.billing_frequency),
        billing=schedule_of(row),
        rates=rates,
        starting_at=start,
        ending_before=end,
        quantities=quantities(history_of(row) if changes is None else history(map(change_of, changes))),
        collection=Collection(row.collection_schedule),
        is_prorated=row.is_prorated,
        invoice_behavior=InvoiceBehavior(row.invoice_behavior),
        rounding=ProrationRounding(AmountRounding(rounding["rounding_method"]), int(rounding["decimal_places"]))
        if rounding
        else None,
        placement=Placement(row.invoice_placement),
        billed=tuple(billed),
    )


def rates_of(
    contract: Contract, rows: Sequence[Subscription], planned: Sequence[Rate] = ()
) -> Mapping[tuple[str, str], RateSchedule]:
    """What the contract's card asks for the subscriptions' products, by (product id, frequency). One query."""
    if contract.rate_card_id is None or not rows:
        return {}
    mine = [rate for rate in planned if rate.rate_card_id == contract.rate_card_id]
    return subscription_schedules(
        rate_card_id=contract.rate_card_id, product_ids={row.product_id for row in rows}, planned=mine
    )


def list_charges(
    rows: Iterable[Subscription],
    rates: Mapping[tuple[str, str], RateSchedule],
    until: datetime,
    since: datetime | None = None,
    billed: Mapping[str, Sequence[BilledQuantity]] = MappingProxyType({}),
) -> list[SubscriptionCharge]:
    """The charges of billing periods that begin before `until`, subscription by subscription, in order of time.

    `since`: only those of periods that end after it, at no cost for the ones before. `billed`: what is final, by id of
    the subscription, where increases are billed immediately.

    A charge is called what its subscription is called, else what the product is called where its period begins.
    """
    found = []
    for row in rows:
        schedule = rates.get((str(row.product_id), row.billing_frequency), _NO_RATE)
        engine = engine_subscription(row, schedule, billed=billed.get(str(row.pk), ()))
        versions = list(row.product.versions.all())
        for charge in subscription_charges(engine, until, since) if engine is not None else ():
            state = state_at(versions, charge.period.start)
            terms = replace(charge.terms, name=row.name or state.name, tags=frozenset(state.tags))
            found.append(replace(charge, terms=terms))
    return found


@dataclass(frozen=True, slots=True)
class SeatsHeld:
    """Who sat on a subscription's seats over `[starting_at, ending_before)`; None: still. Unassigned ones count too."""

    starting_at: datetime
    ending_before: datetime | None
    assigned_seat_ids: tuple[str, ...]
    total_quantity: int


def seats_history(row: Subscription) -> list[SeatsHeld]:
    """A SEAT_BASED subscription's seats over its whole life, in order of time, future changes included."""
    end = end_of(row)
    held = [standing for standing in history_of(row) if end is None or standing.starting_at < end]
    ends = [*(standing.starting_at for standing in held[1:]), end]
    return [
        SeatsHeld(standing.starting_at, until, standing.assigned, int(standing.total))
        for standing, until in zip(held, ends, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class PricedQuantity:
    """How many units at which price, exact, in the stored unit of the rate."""

    quantity: Decimal
    unit_price: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class PastQuantity:
    """A subscription's quantity from `starting_at` on, and what a whole billing period of it costs."""

    starting_at: datetime
    parts: tuple[PricedQuantity, ...]


def quantity_history(row: Subscription, *, now: datetime) -> list[PastQuantity]:
    """What the subscription had and cost until now, in order of time: anew wherever the quantity or the price changes.

    A billing period has one price, that of its start. Future changes are left out.
    """
    end = end_of(row)
    held = history_of(row)
    begun = list(periods_of(row, now + MOMENT))
    rates = rates_of(row.contract, [row]).get((str(row.product_id), row.billing_frequency), _NO_RATE)
    last = now if end is None else min(now, end)
    terms = _pricing_terms(row, last)
    found: list[PastQuantity] = []
    for period in begun:
        changed = [standing.starting_at for standing in held if period.start < standing.starting_at < period.end]
        for at in [period.start, *(instant for instant in changed if instant <= now)]:
            standing = standing_at(held, at)
            quantity = ZERO if standing is None else standing.total
            parts = _priced(row, terms, rates, period, quantity)
            if not found or found[-1].parts != parts:
                found.append(PastQuantity(at, parts))
    return found


def price_at(row: Subscription, at: datetime) -> Decimal:
    """What a whole billing period of it costs at the price and with the quantity of an instant, trial or not; exact.

    Before it begins, what it will cost then. One query for its rates, one for overrides.
    """
    at = max(at, row.starting_at)
    standing = standing_at(history_of(row), at)
    rates = rates_of(row.contract, [row]).get((str(row.product_id), row.billing_frequency), _NO_RATE)
    quantity = ZERO if standing is None else standing.total
    parts = _priced(row, _pricing_terms(row, at), rates, Period(at, at + MOMENT), quantity)
    return total(part.total for part in parts)


def _pricing_terms(row: Subscription, until: datetime) -> InvoiceTerms:
    """What decides between rate and overrides; the currency plays no part."""
    period = Period(row.starting_at, max(until, row.starting_at) + MOMENT)
    return InvoiceTerms(
        contract_id=str(row.contract_id),
        period=period,
        currency=fiat("USD"),
        credit_type_id="",
        products=(),
        overrides=engine_overrides(contract_id=row.contract_id, period=period),
        prioritization=Prioritization(row.contract.multiplier_override_prioritization),
    )


def _priced(
    row: Subscription, terms: InvoiceTerms, rates: RateSchedule, period: Period, quantity: Decimal
) -> tuple[PricedQuantity, ...]:
    tags = frozenset(state_at(list(row.product.versions.all()), period.start).tags)
    charge = subscription_charge(
        terms,
        SubscriptionTerms(
            subscription_id=str(row.pk), product_id=str(row.product_id), name=row.name,
            billing_frequency=row.billing_frequency, schedule=rates, window=period, quantity=quantity, tags=tags,
        ),
    )  # fmt: skip
    if charge is None:
        return ()
    steps = walk(charge.decision.price, ZERO, quantity, quantity)
    return tuple(PricedQuantity(step.quantity, step.unit_price, step.total) for step in steps)
