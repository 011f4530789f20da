"""The burn-down of a balance as server-side SVG: what was there, what is there, what is expected. No floats anywhere.

Beside the picture stands a table with a row for each column of time; the script that reads charts aloud takes its words
from there (see presentation.charts.stacked_bars).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from engine.money import ZERO
from presentation.charts.scale import Row, Text, ValueAxis, position
from presentation.formatting import DASH, day, period

WEEKLY_FROM = timedelta(days=160)
DAY = timedelta(days=1)
MONTHLY_FROM = 62


@dataclass(frozen=True, slots=True)
class Level:
    """The balance at a time, in a person's units: `before` and `after` what happened in that instant."""

    at: datetime
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class Column:
    """A day or week `[start, end)` and what moved in it; `balance` at its end, None where nobody knows."""

    start: datetime
    end: datetime
    added: Decimal
    used: Decimal
    expired: Decimal
    balance: Decimal | None
    is_forecast: bool


@dataclass(frozen=True, slots=True)
class BurnDrawing:
    """One drawing in user units. `expiries`: where something ends; `today` is None outside of the range."""

    width: int
    height: int
    left: str
    right: str
    top: str
    bottom: str
    baseline: str
    area: str
    line: str
    forecast: str
    today: str | None
    today_label: Text | None
    expiries: tuple[str, ...]
    ticks: tuple[Text, ...]
    marks: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class BurnDown:
    """A whole chart; `rows` hold added, used, expired and the balance, `total` what is there now."""

    title: str
    description: str
    unit: str
    axis: str
    wide: BurnDrawing
    narrow: BurnDrawing
    sums: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    total: str
    has_forecast: bool


def burn_down(
    columns: Sequence[Column],
    past: Sequence[Level],
    expected: Sequence[Level],
    *,
    expiries: Sequence[datetime],
    now: datetime,
    unit: str,
    show: Callable[[Decimal], str],
    description: str,
) -> BurnDown:
    """Draws `past` up to now and `expected` from now on over the time of `columns` (at least one)."""
    weekly = columns[0].end - columns[0].start > DAY
    start, end = columns[0].start, columns[-1].end

    def drawn(width: int, height: int, marks: int) -> BurnDrawing:
        return _draw(
            past, expected, span=(start, end), expiries=expiries, now=now, width=width, height=height, marks=marks
        )

    known = [column for column in columns if not column.is_forecast]
    sums = tuple(
        (label, show(sum((value(column) for column in known), ZERO)))
        for label, value in (("Added", _added), ("Used", _used), ("Expired", _expired))
    )
    return BurnDown(
        title="Balance over time",
        description=description,
        unit=unit,
        axis="Week (UTC)" if weekly else "Day (UTC)",
        wide=drawn(960, 260, 9),
        narrow=drawn(320, 200, 3),
        sums=sums,
        rows=tuple(_row(column, show, weekly=weekly) for column in columns),
        total=show(past[-1].after),
        has_forecast=bool(expected),
    )


def _added(column: Column) -> Decimal:
    return column.added


def _used(column: Column) -> Decimal:
    return column.used


def _expired(column: Column) -> Decimal:
    return column.expired


def _row(column: Column, show: Callable[[Decimal], str], *, weekly: bool) -> Row:
    label = period(column.start, column.end) if weekly else day(column.start)
    values = tuple(show(value) if value else "" for value in (column.added, column.used, column.expired))
    balance = DASH if column.balance is None else show(column.balance)
    return Row(f"{label}, expected" if column.is_forecast and column.balance is not None else label, values, balance)


def _draw(
    past: Sequence[Level],
    expected: Sequence[Level],
    *,
    span: tuple[datetime, datetime],
    expiries: Sequence[datetime],
    now: datetime,
    width: int,
    height: int,
    marks: int,
) -> BurnDrawing:
    start, end = span
    seen = [value for level in (*past, *expected) for value in (level.before, level.after)]
    axis = ValueAxis.around(seen, width=width, height=height, top=22)
    left, right, y_of = axis.left, axis.right, axis.y_of

    def x_of(at: datetime) -> Decimal:
        return left + (right - left) * ((at - start) // timedelta(seconds=1)) / ((end - start) // timedelta(seconds=1))

    def path(levels: Sequence[Level]) -> str:
        parts: list[str] = []
        for level in levels:
            x = position(x_of(level.at))
            parts.append(f"{'L' if parts else 'M'}{x} {position(y_of(level.before))}")
            if level.after != level.before:
                parts.append(f"V{position(y_of(level.after))}")
        return "".join(parts)

    line, zero = path(past), position(y_of(ZERO))
    today = x_of(now)
    return BurnDrawing(
        width=width,
        height=height,
        left=position(left),
        right=position(right),
        top=position(axis.top),
        bottom=position(axis.bottom),
        baseline=zero,
        area=f"{line}V{zero}H{position(x_of(past[0].at))}z",
        line=line,
        forecast=path(expected) if expected else "",
        today=position(today),
        today_label=Text(position(min(max(today, left + 18), right - 18)), "14", "Today"),
        expiries=tuple(_flag(x_of(at), y_of(ZERO)) for at in expiries if start <= at <= end),
        ticks=axis.labels(),
        marks=_dates(start, end, x_of, y=Decimal(height - 7), most=marks),
    )


def _flag(x: Decimal, y: Decimal) -> str:
    """A small triangle that stands on the base line."""
    return f"M{position(x - 4)} {position(y - 9)}h8l-4 7z"


def _dates(
    start: datetime, end: datetime, x_of: Callable[[datetime], Decimal], *, y: Decimal, most: int
) -> tuple[Text, ...]:
    """At most that many dates under the axis, evenly apart."""
    days = [start + DAY * n for n in range((end - start) // DAY)]
    if len(days) > MONTHLY_FROM:
        days = [at for at in days if at.day == 1]
    every = max(-(-len(days) // most), 1)
    found = days[::every]
    edge = x_of(end) - 18
    with_year = len(days) > 9 and days[0].day == days[-1].day == 1
    return tuple(
        Text(
            position(max(x_of(at), x_of(start) + 14)),
            position(y),
            f"{at:%b %Y}" if with_year else day(at, year=False),
        )
        for at in found
        if x_of(at) <= edge
    )
