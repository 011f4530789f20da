"""Invoice schedules: when an agreed amount is charged, and in which instalments.

Rules and tables: docs/algorithms/schedules.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from engine.calendar import BillingSchedule, Frequency, utc
from engine.errors import InvalidTerms
from engine.money import ONE, ZERO, Currency, add, checked, divide, mul, round_places, round_total, subtract, total


class Distribution(StrEnum):
    """What the amount of a recurring schedule is: of each instalment, or of all together."""

    EACH = "EACH"
    DIVIDED = "DIVIDED"
    DIVIDED_ROUNDED = "DIVIDED_ROUNDED"


@dataclass(frozen=True, slots=True)
class ScheduleItem:
    """A charge at `timestamp`: quantity x unit_price; a share of a divided amount has quantity 1."""

    timestamp: datetime
    unit_price: Decimal
    quantity: Decimal = ONE

    def __post_init__(self) -> None:
        object.__setattr__(self, "timestamp", utc(self.timestamp, "timestamp"))
        for name in ("unit_price", "quantity"):
            if not getattr(self, name).is_finite():
                raise InvalidTerms(f"{name} must be a finite number", name)

    @property
    def amount(self) -> Decimal:
        """What is charged."""
        return mul(self.unit_price, self.quantity)


def recurring_dates(frequency: Frequency, starting_at: datetime, ending_before: datetime) -> list[datetime]:
    """The instants of a recurring schedule: its start and every `frequency` after it, before its end.

    A month too short for the start's day has its instalment on its last day; the time of day is the start's.
    """
    start, end = utc(starting_at, "starting_at"), utc(ending_before, "ending_before")
    if start >= end:
        raise InvalidTerms("ending_before must be after starting_at", "ending_before")
    time_of_day = start - start.replace(hour=0, minute=0, second=0, microsecond=0)
    schedule = BillingSchedule(frequency, start.date())
    dates: list[datetime] = []
    while (at := schedule.boundary(len(dates)) + time_of_day) < end:
        dates.append(at)
    return dates


def recurring_items(
    *,
    frequency: Frequency,
    distribution: Distribution,
    starting_at: datetime,
    ending_before: datetime,
    unit_price: Decimal,
    quantity: Decimal,
    currency: Currency,
) -> list[ScheduleItem]:
    """The instalments of a recurring schedule over `[starting_at, ending_before)`.

    EACH charges quantity x unit_price every time. DIVIDED splits it evenly; DIVIDED_ROUNDED in shares of whole
    smallest currency units. The last share takes what is left, so that the shares sum to the amount exactly.
    """
    dates = recurring_dates(frequency, starting_at, ending_before)
    if distribution is Distribution.EACH:
        return [ScheduleItem(at, unit_price, quantity) for at in dates]
    whole = mul(unit_price, quantity)
    share = divide(whole, Decimal(len(dates)))
    if distribution is Distribution.DIVIDED_ROUNDED:
        share = round_places(share, currency.places, ROUND_DOWN)
    charged = ZERO
    for _ in dates[:-1]:
        charged = add(charged, share)
    last = subtract(whole, charged)
    return [*(ScheduleItem(at, share) for at in dates[:-1]), ScheduleItem(dates[-1], last)]


@dataclass(frozen=True, slots=True)
class Share:
    """An instalment: its exact amount, and what a final invoice asks for it (None: none does yet)."""

    amount: Decimal
    invoiced: Decimal | None = None


def whole_shares(shares: Sequence[Share], currency: Currency) -> list[Decimal]:
    """What invoices ask for the instalments of one schedule, in order of date: in all, what was agreed, rounded once.

    What is invoiced stands. Of the others each is rounded half-up to the currency's smallest unit, though never to more
    than is left to ask for; the last one takes the rest.
    """
    agreed = round_total(total(share.amount for share in shares), currency)
    left = max(subtract(agreed, total(share.invoiced or ZERO for share in shares)), ZERO)
    last = max((index for index, share in enumerate(shares) if share.invoiced is None), default=None)
    found: list[Decimal] = []
    for index, share in enumerate(shares):
        if share.invoiced is not None:
            found.append(share.invoiced)
            continue
        whole = left if index == last else min(round_total(share.amount, currency), left)
        left = subtract(left, whole)
        found.append(whole)
    return found


@dataclass(frozen=True, slots=True)
class AccessSegment:
    """A segment of an access schedule: `amount` usable over `[starting_at, ending_before)`."""

    amount: Decimal
    starting_at: datetime
    ending_before: datetime

    def __post_init__(self) -> None:
        checked(self.amount, "access_schedule.schedule_items.amount")
        for name in ("starting_at", "ending_before"):
            at = utc(getattr(self, name), f"access_schedule.schedule_items.{name}")
            if at - at.replace(minute=0, second=0, microsecond=0) != timedelta():
                raise InvalidTerms(f"{name} must be on the hour", f"access_schedule.schedule_items.{name}")
            object.__setattr__(self, name, at)
        if self.ending_before <= self.starting_at:
            raise InvalidTerms("a segment must not be empty", "access_schedule.schedule_items.ending_before")


def check_postpaid(access: list[AccessSegment], invoices: list[ScheduleItem]) -> None:
    """A postpaid commit has one access segment and one invoice item, of equal amounts."""
    if len(access) != 1:
        raise InvalidTerms("a postpaid commit has exactly one access segment", "access_schedule")
    if len(invoices) != 1:
        raise InvalidTerms("a postpaid commit has exactly one invoice item", "invoice_schedule")
    if access[0].amount != invoices[0].amount:
        raise InvalidTerms("access and invoice amounts of a postpaid commit must be equal", "invoice_schedule")
