"""Windows cut into whole months, days and hours, which rollups answer, and ragged rests, which raw events answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.calendar import Period
from usage.store.postgres.partitions import month_of, next_month

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time within windows: `grain` M, D or H if it is made of whole ones, "" for a ragged rest."""

    grain: str
    start: datetime
    end: datetime


def pieces_of(windows: Sequence[Period], *, hours: bool = True) -> list[Piece]:
    """The windows' time in order, in the coarsest grains that no window boundary cuts; neighbours are one.

    Without `hours`, whole hours are ragged rests too.
    """
    found: list[Piece] = []
    for window in windows:
        for cut in _cut(window.start, window.end):
            piece = cut if hours or cut.grain != "H" else Piece("", cut.start, cut.end)
            last = found[-1] if found else None
            if last is not None and last.grain == piece.grain and last.end == piece.start:
                found[-1] = Piece(piece.grain, last.start, piece.end)
            else:
                found.append(piece)
    return found


def _cut(start: datetime, end: datetime) -> Iterator[Piece]:
    first, last = _up(start, _hour(start), HOUR), _hour(end)
    if first >= last:
        yield Piece("", start, end)
        return
    yield from _piece("", start, first)
    first_day, last_day = _up(first, _day(first), DAY), _day(last)
    if first_day >= last_day:
        yield Piece("H", first, last)
    else:
        yield from _piece("H", first, first_day)
        yield from _days(first_day, last_day)
        yield from _piece("H", last_day, last)
    yield from _piece("", last, end)


def _days(start: datetime, end: datetime) -> Iterator[Piece]:
    first, last = start if start == month_of(start) else next_month(month_of(start)), month_of(end)
    if first >= last:
        yield Piece("D", start, end)
        return
    yield from _piece("D", start, first)
    yield Piece("M", first, last)
    yield from _piece("D", last, end)


def _piece(grain: str, start: datetime, end: datetime) -> Iterator[Piece]:
    if start < end:
        yield Piece(grain, start, end)


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def _day(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _up(instant: datetime, floor: datetime, step: timedelta) -> datetime:
    return instant if floor == instant else floor + step
