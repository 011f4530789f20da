"""Billing periods: frequencies, anchors, month ends. The only calendar arithmetic in Tactus.

All instants are UTC. Boundaries fall at 00:00 UTC of the anchor day, except that a schedule anchored on the contract's
start keeps the hour of that start (contracts start on the hour). Rules and tables: docs/algorithms/periods.md.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from engine.errors import InvalidTerms


class Frequency(StrEnum):
    """How often a contract or a subscription is billed; DAILY is for recurring commits and credits only."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    SEMI_ANNUAL = "SEMI_ANNUAL"
    ANNUAL = "ANNUAL"


class BillingDay(StrEnum):
    """What the days of a usage statement schedule are counted from."""

    FIRST_OF_MONTH = "FIRST_OF_MONTH"
    CONTRACT_START = "CONTRACT_START"
    CUSTOM_DATE = "CUSTOM_DATE"


BILLING_FREQUENCIES: Final = (Frequency.WEEKLY, Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.ANNUAL)
"""Of usage invoices and subscriptions."""

GRANT_FREQUENCIES: Final = (Frequency.DAILY, *BILLING_FREQUENCIES)
"""Of recurring commits and credits."""

_MONTHS: Final = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.SEMI_ANNUAL: 6, Frequency.ANNUAL: 12}
_DAYS: Final = {Frequency.DAILY: 1, Frequency.WEEKLY: 7}


def utc(value: datetime, field: str) -> datetime:
    """`value` in UTC; raises InvalidTerms naming `field` for a naive datetime."""
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise InvalidTerms(f"{field} must have a time zone", field)
    return value.astimezone(UTC)


def rfc3339(value: datetime) -> str:
    """The text of a UTC instant."""
    return value.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A half-open stretch of time `[start, end)` in UTC, never empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", utc(self.start, "starting_at"))
        object.__setattr__(self, "end", utc(self.end, "ending_before"))
        if self.start >= self.end:
            raise InvalidTerms("ending_before must be after starting_at", "ending_before")

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


@dataclass(frozen=True, slots=True)
class BillingSchedule:
    """Boundaries every `frequency`, counted from `anchor` at `hour`:00 UTC; endless both ways."""

    frequency: Frequency
    anchor: date
    hour: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.anchor, datetime):
            raise InvalidTerms("anchor must be a date", "billing_anchor_date")
        if not 0 <= self.hour <= 23:
            raise InvalidTerms("hour must be between 0 and 23", "billing_anchor_date")

    def boundary(self, n: int) -> datetime:
        """The n-th boundary after the anchor (0 is the anchor itself, negative ones come before it).

        A month too short for the anchor's day has its boundary on its last day; later months return to the day.
        """
        at = time(self.hour, tzinfo=UTC)
        if self.frequency in _DAYS:
            return datetime.combine(self.anchor + timedelta(days=n * _DAYS[self.frequency]), at)
        years, month = divmod(self.anchor.month - 1 + n * _MONTHS[self.frequency], 12)
        year = self.anchor.year + years
        day = min(self.anchor.day, monthrange(year, month + 1)[1])
        return datetime.combine(date(year, month + 1, day), at)

    def index(self, instant: datetime) -> int:
        """The n of the last boundary that is not after `instant`."""
        day = utc(instant, "instant").date()
        if self.frequency in _DAYS:
            n = (day - self.anchor).days // _DAYS[self.frequency] + 1
        else:
            months = (day.year - self.anchor.year) * 12 + day.month - self.anchor.month
            n = months // _MONTHS[self.frequency] + 1
        while self.boundary(n) > instant:
            n -= 1
        return n


def anchor_for(day: BillingDay, frequency: Frequency, contract_start: datetime, custom: datetime | None = None) -> date:
    """The date that a contract's periods are counted from (UTC).

    FIRST_OF_MONTH: the first day of the month in which the contract starts; for WEEKLY the Monday on or before its
    start. CONTRACT_START: the start's date. CUSTOM_DATE: the date of `custom`, which may lie before the contract.
    """
    if day is BillingDay.CUSTOM_DATE:
        if custom is None:
            raise InvalidTerms("CUSTOM_DATE needs a billing_anchor_date", "billing_anchor_date")
        return utc(custom, "billing_anchor_date").date()
    start = utc(contract_start, "starting_at").date()
    if day is BillingDay.CONTRACT_START:
        return start
    if frequency is Frequency.WEEKLY:
        return start - timedelta(days=start.weekday())
    return start.replace(day=1)


def schedule_for(
    day: BillingDay, frequency: Frequency, contract_start: datetime, custom: datetime | None = None
) -> BillingSchedule:
    """The billing schedule of a contract: `anchor_for`, with the start's hour where the start is the anchor."""
    hour = utc(contract_start, "starting_at").hour if day is BillingDay.CONTRACT_START else 0
    return BillingSchedule(frequency, anchor_for(day, frequency, contract_start, custom), hour)


def periods(
    schedule: BillingSchedule,
    contract_start: datetime,
    contract_end: datetime | None,
    until: datetime,
    since: datetime | None = None,
) -> Iterator[Period]:
    """The contract's periods that begin before `until`, in order; with `since` only those that end after it.

    They tile the contract's life: the first is a partial one from its start to the next boundary, the last is cut at
    its end; empty ones do not occur. With an open end they are endless, hence `until`. What lies before `since` costs
    nothing: the first period is computed, not counted up to.
    """
    start = utc(contract_start, "starting_at")
    end = None if contract_end is None else utc(contract_end, "ending_before")
    n = schedule.index(start if since is None or since <= start else since) + 1
    start = max(start, schedule.boundary(n - 1))
    while start < until and (end is None or start < end):
        boundary = schedule.boundary(n)
        yield Period(start, boundary if end is None else min(boundary, end))
        start, n = boundary, n + 1


def period_at(
    schedule: BillingSchedule, contract_start: datetime, contract_end: datetime | None, instant: datetime
) -> Period:
    """The contract's period that holds `instant`; raises InvalidTerms where the contract does not cover it."""
    moment = utc(instant, "instant")
    start = utc(contract_start, "starting_at")
    end = None if contract_end is None else utc(contract_end, "ending_before")
    if moment < start or (end is not None and moment >= end):
        raise InvalidTerms("the contract does not cover this time", "instant")
    n = schedule.index(moment)
    last = schedule.boundary(n + 1)
    return Period(max(start, schedule.boundary(n)), last if end is None else min(last, end))


def split(period: Period, cuts: Iterable[datetime]) -> list[Period]:
    """`period` cut at those of `cuts` that lie strictly inside it; order and repetition do not matter."""
    inside = sorted({cut for cut in cuts if period.start < cut < period.end})
    edges = [period.start, *inside, period.end]
    return [Period(start, end) for start, end in pairwise(edges)]


def consecutive(windows: Sequence[Period], field: str) -> None:
    """Raises InvalidTerms naming `field` unless the windows are in order and do not overlap."""
    for before, after in pairwise(windows):
        if after.start < before.end:
            raise InvalidTerms("windows must be in order and must not overlap", field)


def window_index(starts: Sequence[datetime], instant: datetime) -> int:
    """The index of the window whose start is the last one not after `instant`; -1 before the first."""
    return bisect_right(starts, instant) - 1


class OffsetUnit(StrEnum):
    """What a relative date is counted in."""

    DAYS = "DAYS"
    WEEKS = "WEEKS"
    MONTHS = "MONTHS"
    YEARS = "YEARS"


@dataclass(frozen=True, slots=True)
class Offset:
    """A relative date, as packages have it: so many units after an instant."""

    value: int
    unit: OffsetUnit

    def after(self, instant: datetime) -> datetime:
        """The instant in UTC that lies this far after `instant`, at the same time of day.

        A month too short for the day of `instant` has its last day instead: a month after 31 January is 28 or 29
        February. Each date is counted from its own start, never step by step: two months after 31 January is 31 March.
        Raises InvalidTerms where the calendar ends.
        """
        start = utc(instant, "starting_at")
        try:
            if self.unit in (OffsetUnit.DAYS, OffsetUnit.WEEKS):
                return start + timedelta(days=self.value * (7 if self.unit is OffsetUnit.WEEKS else 1))
            months = self.value * (12 if self.unit is OffsetUnit.YEARS else 1)
            years, month = divmod(start.month - 1 + months, 12)
            year = start.year + years
            day = min(start.day, monthrange(year, month + 1)[1])
            return start.replace(year=year, month=month + 1, day=day)
        except (OverflowError, ValueError) as error:
            raise InvalidTerms("the date is beyond the calendar", "starting_at") from error
