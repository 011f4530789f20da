"""Parts of a billing period in whole days, and the configured rounding of prorated amounts.

Days are UTC; where periods begin at another hour than midnight, days are counted from that hour. Rules and tables:
docs/algorithms/schedules.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from engine.calendar import BillingSchedule, Period, utc
from engine.errors import InvalidTerms
from engine.money import divide, mul, round_places

Fraction = tuple[int, int]
"""Days of days, never reduced."""


class AmountRounding(StrEnum):
    """How a prorated amount is rounded."""

    HALF_UP = "HALF_UP"
    FLOOR = "FLOOR"
    CEILING = "CEILING"


_MODES: Final = {
    AmountRounding.HALF_UP: ROUND_HALF_UP,
    AmountRounding.FLOOR: ROUND_FLOOR,
    AmountRounding.CEILING: ROUND_CEILING,
}


@dataclass(frozen=True, slots=True)
class ProrationRounding:
    """Rounds to `places` decimals of the stored unit; -2 on USD is whole dollars."""

    method: AmountRounding
    places: int

    def __post_init__(self) -> None:
        if not -20 <= self.places <= 20:
            raise InvalidTerms("decimal_places must be between -20 and 20", "decimal_places")

    def __call__(self, amount: Decimal) -> Decimal:
        """The rounded amount."""
        return round_places(amount, self.places, _MODES[self.method])


def full_period(schedule: BillingSchedule, instant: datetime) -> Period:
    """The whole anchor period that holds `instant`, however short the contract's own period is."""
    n = schedule.index(instant)
    return Period(schedule.boundary(n), schedule.boundary(n + 1))


def days_between(start: datetime, end: datetime, full: Period) -> int:
    """The days from `start` (its day included, however late in it) to `end` (a day that is begun counts)."""
    hour = timedelta(hours=full.start.hour)
    first = (utc(start, "starting_at") - hour).date()
    moment = utc(end, "ending_before") - hour
    last = moment.date()
    begun = moment.hour or moment.minute or moment.second or moment.microsecond
    return (last - first).days + (1 if begun else 0)


def fraction_of(part: Period, full: Period) -> Fraction:
    """How much of the full anchor period the part is: days of days."""
    of = days_between(full.start, full.end, full)
    return min(days_between(part.start, part.end, full), of), of


def prorated(amount: Decimal, fraction: Fraction, rounding: ProrationRounding | None = None) -> Decimal:
    """The part of an amount, rounded as configured; the whole amount is never rounded."""
    days, of = fraction
    if days == of:
        return amount
    part = divide(mul(amount, Decimal(days)), Decimal(of))
    return part if rounding is None else rounding(part)
