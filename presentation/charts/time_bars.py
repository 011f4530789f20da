"""Bars over a time axis. The drawing has no view box: its lengths are percentages, so that bars stretch with the page
and text keeps its size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from presentation.formatting import window

PAST, AHEAD, AT_LEAST_AHEAD = timedelta(days=365), timedelta(days=400), timedelta(days=92)
MOST_TICKS = 7
NARROWEST = 210
"""Pixels of a drawing on a telephone."""
PER_LETTER = 8
_LAST_TICK = Decimal("0.93")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a drawing; `x` and `width` with their percent sign. `kind`: past, now or next."""

    x: str
    width: str
    kind: str
    label: str
    title: str


class TimeAxis:
    """From instants to percentages of a drawing's width: the year past and what is known ahead, around `at`."""

    def __init__(self, instants: Iterable[datetime], at: datetime) -> None:
        edges = [at, *instants]
        self.at = at
        self.start = max(min(edges), at - PAST)
        self.end = max(min(max(edges) + timedelta(days=31), at + AHEAD), at + AT_LEAST_AHEAD)

    @property
    def now_x(self) -> str:
        """Where the present stands."""
        return _length(self._share(self.at))

    def ticks(self) -> tuple[tuple[str, str], ...]:
        """(x, label) of months, as many as there is room for."""
        months = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month
        step = next(step for step in (1, 2, 3, 6, 12) if months <= MOST_TICKS * step or step == 12)
        found = []
        for count in range(self.start.year * 12 + self.start.month, self.end.year * 12 + self.end.month):
            instant = datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
            if count % step == 0 and self.start <= instant and self._share(instant) < _LAST_TICK:
                label = f"{instant:%b %Y}" if count % 12 == 0 else f"{instant:%b}"
                found.append((_length(self._share(instant)), label))
        return tuple(found)

    def bar(self, start: datetime, end: datetime | None, text: str, *, is_labelled: bool = True) -> Bar | None:
        """The stretch of `[start, end)`, with its text inside where there is room; None outside of the drawing."""
        left, right = self._share(start), Decimal(1) if end is None else self._share(end)
        if right <= left:
            return None
        has_room = (right - left) * NARROWEST > len(text) * PER_LETTER + 10
        return Bar(
            _length(left),
            _length(right - left),
            state_at(start, end, self.at),
            text if is_labelled and has_room else "",
            f"{text}, {window(start, end)}",
        )

    def _share(self, instant: datetime) -> Decimal:
        """Where the instant stands, 0 to 1."""
        share = Decimal((instant - self.start) // _SECOND) / Decimal((self.end - self.start) // _SECOND)
        return min(Decimal(1), max(Decimal(0), share))


def state_at(start: datetime, end: datetime | None, at: datetime) -> str:
    """past, now or next."""
    if start > at:
        return "next"
    return "now" if end is None or end > at else "past"


def _length(share: Decimal) -> str:
    return f"{share * 100:.3f}%"
