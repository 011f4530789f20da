"""Parts of a billing period in whole hours, and the configured rounding of prorated amounts: every proration is this.

An hour (UTC) belongs to whoever has its beginning, so a period cut anywhere has as many hours in parts as it has whole.
Rules and tables: docs/algorithms/schedules.md.
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
"""Hours of hours, never reduced."""


class AmountRounding(StrEnum):
    """How a prorated amount is rounded."""

    HALF_UP = "HALF_UP"
    FLOOR = "FLOOR"
    CEILING = "CEILING"


HOUR: Final = timedelta(hours=1)

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


def hours_between(start: datetime, end: datetime) -> int:
    """The hours from `start` (its hour included, however late in it) to `end` (its hour left to what follows)."""
    return (_hour(utc(end, "ending_before")) - _hour(utc(start, "starting_at"))) // HOUR


def fraction_of(part: Period, full: Period) -> Fraction:
    """How much of the full anchor period the part, which lies within it, is: hours of hours."""
    return hours_between(part.start, part.end), hours_between(full.start, full.end)


def prorated(amount: Decimal, fraction: Fraction, rounding: ProrationRounding | None = None) -> Decimal:
    """The part of an amount, rounded as configured; the whole amount is never rounded."""
    hours, of = fraction
    if hours == of:
        return amount
    part = divide(mul(amount, Decimal(hours)), Decimal(of))
    return part if rounding is None else rounding(part)


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
