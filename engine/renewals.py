"""The next term of a contract, where the dates of the old one fall in it, and what prices become.

Rules and tables: docs/algorithms/renewals.md.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Final

from engine.calendar import BillingSchedule, Frequency, Period, utc
from engine.errors import InvalidTerms
from engine.money import ONE, ZERO, add, checked, mul, round_places

PLACES: Final = 10
"""Decimals, of the stored unit, that a raised price keeps."""

_PERCENT: Final = Decimal("0.01")


class RenewalKind(StrEnum):
    """What happens when a term ends."""

    SAME_TERMS = "SAME_TERMS"
    NOTIFY_ONLY = "NOTIFY_ONLY"


class PriceList(StrEnum):
    """Whose prices the next term has: those that the contract agreed on, or only the rate card's as they are then."""

    CONTRACT = "CONTRACT"
    OF_THE_DAY = "OF_THE_DAY"


def term_anchor(term: Period) -> datetime:
    """What a contract's terms are counted from: its start, if whole months lead from there to its end; else its end."""
    return term.start if _boundary_number(term.start, term.end) is not None else term.end


def term_months(term: Period) -> int | None:
    """How many months the term has; None where it does not end on a month's day of its start."""
    return _boundary_number(term.start, term.end)


def next_term(end: datetime, *, months: int, anchor: datetime) -> Period:
    """The term of `months` that begins where the one before ended. Days that a month lacks are its last day, and later
    terms return to the anchor's day.
    """
    base = anchor if _boundary_number(anchor, end) is not None else end
    schedule = _months_from(base)
    return Period(end, schedule.boundary(schedule.index(end) + months))


@dataclass(frozen=True, slots=True)
class Move:
    """From one term into the next: the start falls on the start, the end on the end, all else as far from the one as
    from the other.
    """

    old: Period
    new: Period
    anchor: datetime

    def at(self, instant: datetime) -> datetime:
        """Where an instant falls."""
        moment = utc(instant, "instant")
        if moment == self.old.start:
            return self.new.start
        if moment == self.old.end:
            return self.new.end
        first, last = (_boundary_number(self.anchor, edge) for edge in (self.old.start, self.old.end))
        if first is None or last is None:
            return moment + (self.new.start - self.old.start)
        day = BillingSchedule(Frequency.MONTHLY, moment.date()).boundary(last - first)
        return day + (moment - datetime.combine(moment.date(), time(0, tzinfo=UTC)))

    def date(self, instant: datetime) -> datetime | None:
        """Where something dated falls; None: it was in the old term, and the new one is shorter."""
        moved = self.at(instant)
        return None if instant < self.old.end and moved >= self.new.end else moved

    def window(self, start: datetime, end: datetime) -> Period | None:
        """Where a stretch falls, cut at the end of the new term if it lay in the old one; None: beyond that."""
        begins, ends = self.date(start), self.at(end)
        if begins is None:
            return None
        if begins >= ends:  # both on days that the month lacks
            ends = begins + (end - start)
        return Period(begins, min(ends, self.new.end) if end <= self.old.end else ends)


def uplift_factor(percent: Decimal) -> Decimal:
    """What prices are multiplied by. Raises InvalidTerms below -100 %."""
    checked(percent, "uplift_percent", least=Decimal(-100))
    return add(ONE, mul(percent, _PERCENT))


def raised(price: Decimal, factor: Decimal) -> Decimal:
    """A price after the uplift: exact up to ten decimals of the stored unit, half away from zero beyond."""
    return price if factor == ONE else round_places(mul(price, factor), PLACES).normalize() + ZERO


def _months_from(anchor: datetime) -> BillingSchedule:
    if anchor != anchor.replace(minute=0, second=0, microsecond=0):
        raise InvalidTerms("must be on the hour", "starting_at")
    return BillingSchedule(Frequency.MONTHLY, anchor.date(), anchor.hour)


def _boundary_number(anchor: datetime, instant: datetime) -> int | None:
    """Which monthly boundary after the anchor the instant is; None: none."""
    schedule = _months_from(anchor)
    number = schedule.index(instant)
    return number if schedule.boundary(number) == instant else None
