"""Subscriptions: which charges their billing periods and quantity changes make, when each is due, and on which invoice.

Rules and tables: docs/algorithms/subscriptions.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import count

from engine.calendar import BillingSchedule, Frequency, Period, periods, utc
from engine.errors import InvalidTerms
from engine.money import ZERO, add, checked, subtract
from engine.proration import ProrationRounding, fraction_of, full_period
from engine.rating import RateSchedule
from engine.terms import SubscriptionTerms


class Collection(StrEnum):
    """When a billing period is charged: where it begins, or where it ends."""

    ADVANCE = "ADVANCE"
    ARREARS = "ARREARS"


class InvoiceBehavior(StrEnum):
    """When an increase in mid-period is charged."""

    BILL_IMMEDIATELY = "BILL_IMMEDIATELY"
    BILL_ON_NEXT_COLLECTION_DATE = "BILL_ON_NEXT_COLLECTION_DATE"


class Placement(StrEnum):
    """Which invoice a charge stands on: the usage invoice whose period ends at (or holds) its due date, or its own."""

    ON_USAGE_INVOICE = "ON_USAGE_INVOICE"
    ON_SCHEDULED_INVOICE = "ON_SCHEDULED_INVOICE"


@dataclass(frozen=True, slots=True)
class Quantity:
    """The quantity from an instant on."""

    starting_at: datetime
    quantity: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "starting_at", utc(self.starting_at, "starting_at"))
        checked(self.quantity, "quantity")


@dataclass(frozen=True, slots=True)
class BilledQuantity:
    """What a final invoice charges for the time from an instant on; `ordinal` tells those of one instant apart."""

    starting_at: datetime
    ordinal: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription over `[starting_at, ending_before)`; its periods follow `billing`, its price `rates`.

    `quantities` is its quantity over time, in any order; of two at one instant the later in the tuple counts.
    `billed`: what is final already, where increases are billed immediately; it stands, and counts as charged.
    """

    subscription_id: str
    product_id: str
    name: str
    frequency: Frequency
    billing: BillingSchedule
    rates: RateSchedule
    starting_at: datetime
    ending_before: datetime | None
    quantities: tuple[Quantity, ...]
    collection: Collection = Collection.ARREARS
    is_prorated: bool = True
    invoice_behavior: InvoiceBehavior = InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE
    rounding: ProrationRounding | None = None
    placement: Placement = Placement.ON_USAGE_INVOICE
    tags: frozenset[str] = frozenset()
    billed: tuple[BilledQuantity, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "starting_at", utc(self.starting_at, "starting_at"))
        if self.ending_before is not None:
            object.__setattr__(self, "ending_before", utc(self.ending_before, "ending_before"))
            if self.ending_before <= self.starting_at:
                raise InvalidTerms("ending_before must be after starting_at", "ending_before")
        immediately = self.invoice_behavior is InvoiceBehavior.BILL_IMMEDIATELY
        if immediately and self.collection is not Collection.ADVANCE:
            raise InvalidTerms("BILL_IMMEDIATELY needs collection ADVANCE", "proration.invoice_behavior")
        if self.billing.frequency is not self.frequency:
            raise InvalidTerms("the billing schedule has another frequency", "billing_frequency")

    def quantity_at(self, instant: datetime) -> Decimal:
        """The quantity that holds at an instant; 0 before the first."""
        found = ZERO
        for change in sorted(self.quantities, key=lambda entry: entry.starting_at):
            if change.starting_at <= instant:
                found = change.quantity
        return found

    def changes_in(self, period: Period) -> list[Quantity]:
        """The changes strictly inside a period, in order of time, the last one at each instant."""
        at: dict[datetime, Quantity] = {}
        for change in self.quantities:
            if period.start < change.starting_at < period.end:
                at[change.starting_at] = change
        return [at[instant] for instant in sorted(at)]

    def agreed_in(self, period: Period) -> list[tuple[datetime, Decimal]]:
        """The quantity at a period's start, and wherever in it one is agreed or billed, in order of time."""
        found = {period.start: self.quantity_at(period.start)}
        found |= {one.starting_at: self.quantity_at(one.starting_at) for one in self.billed_in(period)}
        found |= {change.starting_at: change.quantity for change in self.changes_in(period)}
        return sorted(found.items())

    def billed_in(self, period: Period) -> list[BilledQuantity]:
        """What is final of a period, by number."""
        return sorted((one for one in self.billed if one.starting_at in period), key=lambda one: one.ordinal)


@dataclass(frozen=True, slots=True)
class SubscriptionCharge:
    """A charge that falls due at `due_at`; `terms` prices it in `InvoiceTerms.subscriptions`.

    `ordinal` is its number, from 1, among those for the same time: the subscription's from `terms.window.start` on.
    """

    terms: SubscriptionTerms
    period: Period
    due_at: datetime
    placement: Placement
    is_advance: bool
    ordinal: int = 1


def subscription_charges(
    subscription: Subscription, until: datetime, since: datetime | None = None
) -> Iterator[SubscriptionCharge]:
    """The charges of the billing periods that begin before `until`, in order; with `since` of those that end after it.

    Each period charges its first quantity, and one increment for each change above what is charged already; decreases
    never refund and count from the next period on. Increments are prorated over the hours that remain. What is billed
    stands: more at an instant that is billed already is a charge of its own for the difference, with the next number.
    """
    for period in periods(subscription.billing, subscription.starting_at, subscription.ending_before, until, since):
        billed = subscription.billed_in(period)
        charged = ZERO
        for at, agreed in subscription.agreed_in(period):
            held = [one for one in billed if one.starting_at == at]
            for one in held:
                charged = add(charged, one.quantity)
                yield _charge(subscription, period, at, one.quantity, one.ordinal)
            ordinal = free_ordinal(one.ordinal for one in held)
            is_base = at == period.start and ordinal == 1
            if is_base or agreed > charged:
                added = max(subtract(agreed, charged), ZERO)
                charged = add(charged, added)
                yield _charge(subscription, period, at, added, ordinal)


def free_ordinal(taken: Iterable[int]) -> int:
    """The smallest number from 1 on that is not taken."""
    known = set(taken)
    return next(number for number in count(1) if number not in known)


def _charge(
    subscription: Subscription, period: Period, at: datetime, quantity: Decimal, ordinal: int
) -> SubscriptionCharge:
    """The period's base (the first charge from its start on) or an increase."""
    terms = _terms(subscription, period, at, quantity)
    if at == period.start and ordinal == 1:
        is_advance = subscription.collection is Collection.ADVANCE
        due = period.start if is_advance else period.end
        return SubscriptionCharge(terms, period, due, subscription.placement, is_advance)
    due, placement = period.end, subscription.placement
    if subscription.invoice_behavior is InvoiceBehavior.BILL_IMMEDIATELY:
        due, placement = at, Placement.ON_SCHEDULED_INVOICE
    return SubscriptionCharge(terms, period, due, placement, is_advance=False, ordinal=ordinal)


def _terms(subscription: Subscription, period: Period, start: datetime, quantity: Decimal) -> SubscriptionTerms:
    full = full_period(subscription.billing, period.start)
    window = Period(start, period.end)
    return SubscriptionTerms(
        subscription_id=subscription.subscription_id,
        product_id=subscription.product_id,
        name=subscription.name,
        billing_frequency=str(subscription.frequency),
        schedule=subscription.rates,
        window=window,
        quantity=quantity,
        fraction=fraction_of(window, full) if subscription.is_prorated else (1, 1),
        round_price=subscription.rounding,
        tags=subscription.tags,
        priced_at=period.start,
    )


def on_usage_invoice(charge: SubscriptionCharge, period: Period) -> bool:
    """Whether the charge stands on the usage invoice of this period.

    What is due in arrears stands on the invoice in whose period it falls due (its end included); what is due in
    advance on the one that ends exactly where the charge's period begins.
    """
    if charge.placement is Placement.ON_SCHEDULED_INVOICE:
        return False
    if charge.is_advance:
        return charge.due_at == period.end
    return period.start < charge.due_at <= period.end


def on_scheduled_invoice(charge: SubscriptionCharge, usage_periods: Iterable[Period]) -> bool:
    """Whether the charge has a SCHEDULED invoice of its own, at `due_at`.

    It is for something, and none of the usage invoices takes it. `usage_periods`: theirs, those to come included.
    """
    return charge.terms.quantity > ZERO and not any(on_usage_invoice(charge, period) for period in usage_periods)


@dataclass(frozen=True, slots=True)
class Seats:
    """The seats of a SEAT_BASED subscription: assigned ones by id, and how many are unassigned."""

    assigned: tuple[str, ...] = ()
    unassigned: int = 0

    def __post_init__(self) -> None:
        if len(set(self.assigned)) != len(self.assigned):
            raise InvalidTerms("a seat id occurs twice", "seat_ids")
        if self.unassigned < 0:
            raise InvalidTerms("unassigned seats must be at least 0", "unassigned_seats")

    @property
    def total(self) -> int:
        """What is billed."""
        return len(self.assigned) + self.unassigned

    def add(self, seat_ids: Sequence[str]) -> "Seats":
        """New ids take unassigned seats first; ids that are assigned already change nothing."""
        known = set(self.assigned)
        fresh = [seat for seat in dict.fromkeys(seat_ids) if seat not in known]
        return Seats((*self.assigned, *fresh), max(0, self.unassigned - len(fresh)))

    def remove(self, seat_ids: Sequence[str]) -> "Seats":
        """The seats are gone and the total is lower; unknown ids change nothing."""
        gone = set(seat_ids)
        return Seats(tuple(seat for seat in self.assigned if seat not in gone), self.unassigned)

    def add_unassigned(self, count: int) -> "Seats":
        """More seats without an id."""
        return Seats(self.assigned, self.unassigned + count)

    def remove_unassigned(self, count: int) -> "Seats":
        """Fewer seats without an id, never fewer than none."""
        return Seats(self.assigned, max(0, self.unassigned - count))
