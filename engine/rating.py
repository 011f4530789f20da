"""Rates over time: which one is in force, and where it changes. Rules and tables: docs/algorithms/rating.md."""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from engine.calendar import Period, utc
from engine.errors import InvalidTerms
from engine.prices import Flat, Price, Tier, Tiered, TierInfo, kind

__all__ = ["Flat", "Price", "RateSchedule", "RateVersion", "Tier", "TierInfo", "Tiered", "kind"]


@dataclass(frozen=True, slots=True)
class RateVersion:
    """A rate while it is in force: `[starting_at, ending_before)`, open end None.

    `source` says in plain words whose rate it is, for the explanation: "rate card Standard 2025".
    `commit_price` is the price that balances of rate type COMMIT_RATE are drawn at.
    """

    rate_id: str
    starting_at: datetime
    ending_before: datetime | None
    entitled: bool
    price: Price
    credit_type_id: str
    source: str = "rate card"
    commit_price: Price | None = None

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
