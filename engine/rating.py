"""Quantities to priced lines: the rate in force, the tier reached, what is not charged and what has no rate.

Rules and tables: docs/algorithms/rating.md.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby, pairwise

from engine.calendar import Period, rfc3339, utc
from engine.errors import InvalidTerms
from engine.money import ZERO, add, plain, total
from engine.prices import Flat, Price, Step, Tier, Tiered, TierInfo, kind, walk

__all__ = [
    "Flat",
    "Presentation",
    "Price",
    "RateSchedule",
    "RateVersion",
    "Rated",
    "RatedLine",
    "Tier",
    "TierInfo",
    "Tiered",
    "Unrated",
    "UsageQuantity",
    "kind",
    "rate_usage",
]

Presentation = tuple[tuple[str, str | None], ...]
"""Presentation group values: (key, value) in the key's order."""


@dataclass(frozen=True, slots=True)
class RateVersion:
    """A rate while it is in force: `[starting_at, ending_before)`, open end None.

    `source` says in plain words whose rate it is, for the explanation: "rate card Standard 2025".
    """

    rate_id: str
    starting_at: datetime
    ending_before: datetime | None
    entitled: bool
    price: Price
    credit_type_id: str
    source: str = "rate card"

    def __post_init__(self) -> None:
        object.__setattr__(self, "starting_at", utc(self.starting_at, "starting_at"))
        if self.ending_before is not None:
            object.__setattr__(self, "ending_before", utc(self.ending_before, "ending_before"))
            if self.ending_before <= self.starting_at:
                raise InvalidTerms("ending_before must be after starting_at", "ending_before")


@dataclass(frozen=True, slots=True)
class RateSchedule:
    """The versions of one rate, in order of time and never two at once. Gaps are legal: nothing is in force there."""

    versions: tuple[RateVersion, ...]
    _starts: tuple[datetime, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for before, after in pairwise(self.versions):
            if before.ending_before is None or after.starting_at < before.ending_before:
                raise InvalidTerms("rates must be in order of time and must not overlap", "starting_at")
        object.__setattr__(self, "_starts", tuple(version.starting_at for version in self.versions))

    def at(self, instant: datetime) -> RateVersion | None:
        """The version in force at `instant`, or None."""
        index = bisect_right(self._starts, instant) - 1
        if index < 0:
            return None
        version = self.versions[index]
        return version if version.ending_before is None or instant < version.ending_before else None

    def cuts(self, period: Period) -> tuple[datetime, ...]:
        """The instants strictly inside `period` at which the rate in force changes, in order."""
        edges = {version.starting_at for version in self.versions}
        edges |= {version.ending_before for version in self.versions if version.ending_before is not None}
        return tuple(sorted(edge for edge in edges if period.start < edge < period.end))


@dataclass(frozen=True, slots=True)
class UsageQuantity:
    """A priced quantity (converted and rounded) of one presentation value in one window."""

    window: Period
    presentation: Presentation
    quantity: Decimal
    event_count: int


@dataclass(frozen=True, slots=True)
class RatedLine:
    """A quantity at one unit price: one rate version, one tier, one presentation value, `[starting_at, ending_before)`.

    `run_quantity` and `event_count` are those of the whole run of windows that the line is a tier of; `position` is
    the cumulative quantity of the billing period before that run.
    """

    starting_at: datetime
    ending_before: datetime
    quantity: Decimal
    unit_price: Decimal
    total: Decimal
    tier: TierInfo | None
    presentation: Presentation
    rate: RateVersion
    position: Decimal
    run_quantity: Decimal
    event_count: int

    @property
    def explanation(self) -> tuple[str, ...]:
        """How the total came about, in plain steps."""
        until = "on" if self.rate.ending_before is None else f"to {rfc3339(self.rate.ending_before)}"
        steps = [
            f"{plain(self.run_quantity)} units from {self.event_count} event{'' if self.event_count == 1 else 's'}",
            f"{kind(self.rate.price)} rate of {self.rate.source}, from {rfc3339(self.rate.starting_at)} {until}",
        ]
        if self.tier is not None:
            size = "without end" if self.tier.size is None else f"of {plain(self.tier.size)} units"
            steps.append(f"{plain(self.position)} units came before in this period")
            steps.append(f"tier {self.tier.level}, above {plain(self.tier.starting_at)}, {size}")
        steps.append(f"{plain(self.quantity)} x {plain(self.unit_price)} = {plain(self.total)}")
        return tuple(steps)


@dataclass(frozen=True, slots=True)
class Unrated:
    """Usage in a window for which no rate is in force: reported, never silently dropped."""

    window: Period
    presentation: Presentation
    quantity: Decimal
    event_count: int


@dataclass(frozen=True, slots=True)
class Rated:
    """What rating made of the quantities of one pricing group."""

    lines: tuple[RatedLine, ...]
    unrated: tuple[Unrated, ...]


def rate_usage(schedule: RateSchedule, quantities: Iterable[UsageQuantity], *, merge: bool = True) -> Rated:
    """Prices the quantities of one product and pricing group in one billing period, all presentation values at once.

    Each presentation value has its own tiers, counted from the period's start across windows and rate changes. The
    rate of a window is the one in force at its start: cut windows at `schedule.cuts`. Windows under one rate version
    that follow each other become one run, with a line for each tier it reaches; with `merge=False` each window is a
    run of its own. A run of quantity 0 makes one line of 0. Usage that is not entitled makes no line and moves no tier.
    """
    lines: list[RatedLine] = []
    unrated: list[Unrated] = []
    by_value: dict[Presentation, list[UsageQuantity]] = {}
    for quantity in quantities:
        by_value.setdefault(quantity.presentation, []).append(quantity)
    for presentation, members in by_value.items():
        members.sort(key=lambda member: member.window)
        position = ZERO
        for version, run in _runs(schedule, members, merge):
            if version is None:
                unrated += [Unrated(q.window, presentation, q.quantity, q.event_count) for q in run if _used(q)]
            elif version.entitled:
                made = _run_lines(version, run, position)
                lines += made
                position = add(position, made[0].run_quantity)
    return Rated(tuple(lines), tuple(unrated))


def _used(quantity: UsageQuantity) -> bool:
    return bool(quantity.quantity) or quantity.event_count > 0


def _runs(
    schedule: RateSchedule, members: Sequence[UsageQuantity], merge: bool
) -> list[tuple[RateVersion | None, list[UsageQuantity]]]:
    """Consecutive windows under the same rate version, or each window alone."""
    versioned = [(schedule.at(member.window.start), member) for member in members]
    if not merge:
        return [(version, [member]) for version, member in versioned]
    runs = []
    for _, run in groupby(versioned, key=lambda pair: None if pair[0] is None else pair[0].starting_at):
        pairs = list(run)
        runs.append((pairs[0][0], [member for _, member in pairs]))
    return runs


def _run_lines(version: RateVersion, run: Sequence[UsageQuantity], position: Decimal) -> list[RatedLine]:
    quantity = total(member.quantity for member in run)
    count = sum(member.event_count for member in run)
    steps: list[Step] = walk(version.price, position, add(position, quantity))
    return [
        RatedLine(
            starting_at=run[0].window.start,
            ending_before=run[-1].window.end,
            quantity=step.quantity,
            unit_price=step.unit_price,
            total=step.total,
            tier=step.tier,
            presentation=run[0].presentation,
            rate=version,
            position=position,
            run_quantity=quantity,
            event_count=count,
        )
        for step in steps
    ]
