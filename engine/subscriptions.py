"""Subscriptions: which charges their billing periods and quantity changes make, when each is due, and on which invoice.

Rules and tables: docs/algorithms/subscriptions.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from engine.calendar import BillingSchedule, Frequency, Period, periods, utc
from engine.errors import InvalidTerms
from engine.money import ZERO, checked, subtract
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
class Subscription:
    """A subscription over `[starting_at, ending_before)`; its periods follow `billing`, its price `rates`.

    `quantities` is its quantity over time, in any order; of two at one instant the later in the tuple counts.
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


@dataclass(frozen=True, slots=True)
class SubscriptionCharge:
    """A charge that falls due at `due_at`; `terms` prices it in `InvoiceTerms.subscriptions`."""

    terms: SubscriptionTerms
    period: Period
    due_at: datetime
    placement: Placement
    is_advance: bool


def subscription_charges(
    subscription: Subscription, until: datetime, since: datetime | None = None
) -> Iterator[SubscriptionCharge]:
    """The charges of the billing periods that begin before `until`, in order; with `since` of those that end after it.

    Each period charges its first quantity, and one increment for each change above what is charged already; decreases
    never refund and count from the next period on. Increments are prorated over the hours that remain.
    """
    for period in periods(subscription.billing, subscription.starting_at, subscription.ending_before, until, since):
        advance = subscription.collection is Collection.ADVANCE
        charged = subscription.quantity_at(period.start)
        due = period.start if advance else period.end
        base = _terms(subscription, period, period.start, charged)
        yield SubscriptionCharge(base, period, due, subscription.placement, advance)
        for change in subscription.changes_in(period):
            if change.quantity <= charged:
                continue
            added = subtract(change.quantity, charged)
            charged = change.quantity
            if subscription.invoice_behavior is InvoiceBehavior.BILL_IMMEDIATELY:
                at, placement = change.starting_at, Placement.ON_SCHEDULED_INVOICE
            else:
                at, placement = period.end, subscription.placement
            increment = _terms(subscription, period, change.starting_at, added)
            yield SubscriptionCharge(increment, period, at, placement, is_advance=False)


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
