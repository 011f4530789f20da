"""Changes of plan: what is credited of paid time, and which way a change goes (docs/algorithms/plan-changes.md)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from engine.calendar import Frequency, Period
from engine.money import ZERO, divide, mul, round_places

MONTHS = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.SEMI_ANNUAL: 6, Frequency.ANNUAL: 12}
WEEKS_A_YEAR = 52


class Operation(StrEnum):
    """What a quote is for."""

    CHANGE = "CHANGE"
    CANCEL = "CANCEL"


class Direction(StrEnum):
    """Which way a change goes, by what both plans cost a month; the same is UP."""

    UP = "UP"
    DOWN = "DOWN"


class When(StrEnum):
    """When it takes effect: at the hour that is on, or where what is paid for ends."""

    NOW = "NOW"
    PERIOD_END = "PERIOD_END"


class Unused(StrEnum):
    """What becomes of time that was paid for in advance and is not used."""

    CREDIT = "CREDIT"
    FORFEIT = "FORFEIT"


class Quantities(StrEnum):
    """How many units, and which seats, the new plan's subscriptions begin with."""

    PACKAGE = "PACKAGE"
    KEEP = "KEEP"


@dataclass(frozen=True, slots=True)
class PaidTime:
    """What a final invoice charged for a stretch of time, in its currency's stored unit."""

    window: Period
    charged: Decimal


def unused_part(paid: PaidTime, at: datetime, places: int) -> Decimal:
    """What is credited where it is cut at `at`: by the hour, rounded down to `places`; never more than charged."""
    if at >= paid.window.end or paid.charged <= ZERO:
        return ZERO
    if at <= paid.window.start:
        return round_places(paid.charged, places, ROUND_FLOOR)
    hours = Decimal(int((paid.window.end - at).total_seconds()) // 3600)
    whole = Decimal(int((paid.window.end - paid.window.start).total_seconds()) // 3600)
    return round_places(divide(mul(paid.charged, hours), whole), places, ROUND_FLOOR)


def a_month(price: Decimal, frequency: Frequency) -> Decimal:
    """What a price for each of these periods is a month."""
    if frequency is Frequency.WEEKLY:
        return divide(mul(price, Decimal(WEEKS_A_YEAR)), Decimal(12))
    return divide(price, Decimal(MONTHS[frequency]))


def direction_of(before: Decimal, after: Decimal) -> Direction:
    """Which way a change goes between prices a month."""
    return Direction.UP if after >= before else Direction.DOWN


def when_of(direction: Direction | None) -> When:
    """When a change takes effect if nothing is said: up at once, down and out where the paid time ends."""
    return When.NOW if direction is Direction.UP else When.PERIOD_END
