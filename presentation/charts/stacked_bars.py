"""Stacked bars, and lines for what has no sum, as server-side SVG geometry. Values stay exact Decimals until they
become positions; no floats anywhere.

A chart is drawn twice, wide and narrow, so that its labels are readable at every width. Each series is one path, each
column one row of the table beside it; the small script that reads columns aloud takes its words from that table.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zlib import crc32

from engine.money import ZERO, add, total
from presentation.charts.scale import Row, Text, ValueAxis, position
from presentation.formatting import DASH, percent

MAX_SERIES = 8
OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Point:
    """One column: its full name, its short axis label ("" for none of its own), and its values by series."""

    label: str
    short: str
    by_label: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing in user units: a path per series with its colour (1 is token --c1), grid lines with labels, and the
    columns' edges.
    """

    width: int
    height: int
    left: str
    right: str
    top: str
    bottom: str
    baseline: str
    paths: tuple[tuple[int, str], ...]
    ticks: tuple[Text, ...]
    marks: tuple[Text, ...]
    dense: bool
    are_lines: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A legend entry: number, name, its total as text and its share."""

    number: int
    label: str
    figure: str
    share: str


@dataclass(frozen=True, slots=True)
class StackedBars:
    """A whole chart: drawings, legend and table say the same numbers. `total_label` names the last column, and
    `whole_label` the last row, which is the sum of the others only where values add up.
    """

    title: str
    description: str
    unit: str
    wide: Drawing
    narrow: Drawing
    series: tuple[Series, ...]
    rows: tuple[Row, ...]
    total: str
    axis: str
    total_label: str = "Total"
    whole_label: str = "Total"


@dataclass(frozen=True, slots=True)
class Whole:
    """What a quantity that has no sum comes to over the whole range, and by column and series."""

    value: Decimal | None
    by_column: tuple[Decimal | None, ...]
    by_label: dict[str, Decimal]


def stacked_bars(
    points: Sequence[Point],
    *,
    title: str,
    unit: str,
    show: Callable[[Decimal], str],
    axis: str = "Day",
    wide: int = 640,
    height: int = 232,
    among: Collection[str] = (),
) -> StackedBars:
    """Draws `points` (at least one). `show` turns a value into text, `unit` is said once; beyond eight series, the
    least are one "Other". Values may be negative: they hang below the base line. `among`: see `colours`.
    """
    points, labels = _largest(points)
    numbers = colours(labels, among)
    totals = {label: total(point.by_label.get(label, ZERO) for point in points) for label in labels}
    whole = total(totals.values())
    return StackedBars(
        title=title,
        description=_describe(points, totals, whole, unit, show),
        unit=unit,
        wide=_draw(points, labels, numbers, width=wide, height=height, marks=9),
        narrow=_draw(points, labels, numbers, width=320, height=min(height, 200), marks=5),
        series=tuple(
            Series(n, label, show(totals[label]), percent(totals[label], whole))
            for n, label in zip(numbers, labels, strict=True)
        ),
        rows=tuple(
            Row(
                p.label,
                tuple(show(p.by_label[label]) if label in p.by_label else "" for label in labels),
                show(_sum(p)),
            )
            for p in points
        ),
        total=show(whole),
        axis=axis,
    )


def levels(
    points: Sequence[Point],
    whole: Whole,
    *,
    title: str,
    unit: str,
    show: Callable[[Decimal], str],
    axis: str,
    total_label: str,
    whole_label: str,
    wide: int = 640,
    height: int = 232,
    among: Collection[str] = (),
) -> StackedBars:
    """Draws what must not be stacked (peaks, latest values): bars where there is one series, else a stepped line for
    each of the eight greatest. Every total is given in `whole`, none is a sum; what is not there is a dash.
    `among`: see `colours`.
    """
    labels = sorted(whole.by_label, key=lambda label: (-abs(whole.by_label[label]), label))[:MAX_SERIES]
    numbers = colours(labels, among)

    def said(value: Decimal | None) -> str:
        return DASH if value is None else show(value)

    def drawn(width: int, height: int, marks: int) -> Drawing:
        return _draw(points, labels, numbers, width=width, height=height, marks=marks, are_lines=len(labels) > 1)

    covers = f"from {points[0].label} to {points[-1].label}"
    return StackedBars(
        title=title,
        description=f"{whole_label}, {covers}: {_with_unit(said(whole.value), unit)}.",
        unit=unit,
        wide=drawn(wide, height, 9),
        narrow=drawn(320, min(height, 200), 5),
        series=tuple(
            Series(n, label, show(whole.by_label[label]), "") for n, label in zip(numbers, labels, strict=True)
        ),
        rows=tuple(
            Row(point.label, tuple(said(point.by_label.get(label)) for label in labels), said(value))
            for point, value in zip(points, whole.by_column, strict=True)
        ),
        total=said(whole.value),
        axis=axis,
        total_label=total_label,
        whole_label=whole_label,
    )


def colours(labels: Sequence[str], among: Collection[str] = ()) -> list[int]:
    """The number of each label's colour (1 to 8), at most eight of them: its name's own, whatever its rank and range.

    Where two names ask for one colour, the later in the alphabet takes the next that is free. `among`: all names that
    charts of this kind may show, which share the colours out first, so that a name keeps its own where others are not
    there; more than eight share some, and give way only where they meet. Without it, one alone has the first.
    """
    if len(labels) == 1 and not among:
        return [1]
    known = _shared_out({label: crc32(label.encode()) % MAX_SERIES for label in sorted(among)})
    here = sorted(labels, key=lambda label: (label not in known, label))
    places = _shared_out({label: known.get(label, crc32(label.encode()) % MAX_SERIES) for label in here})
    return [places[label] + 1 for label in labels]


def _shared_out(wanted: dict[str, int]) -> dict[str, int]:
    """To each name in turn the place (0 to 7) that it wants, or else the next that is free; none is free: its own."""
    places: dict[str, int] = {}
    for name, place in wanted.items():
        free = [n % MAX_SERIES for n in range(place, place + MAX_SERIES) if n % MAX_SERIES not in places.values()]
        places[name] = free[0] if free else place
    return places


def _largest(points: Sequence[Point]) -> tuple[Sequence[Point], list[str]]:
    """The points with at most eight series, and the series' names, greatest first, "Other" last."""
    totals: dict[str, Decimal] = {}
    for point in points:
        for label, value in point.by_label.items():
            totals[label] = add(totals.get(label, ZERO), value)
    labels = sorted(totals, key=lambda label: (-abs(totals[label]), label))
    if len(labels) <= MAX_SERIES:
        return points, labels
    # What is called Other already joins the rest.
    kept = [label for label in labels if label != OTHER][: MAX_SERIES - 1]
    folded = []
    for point in points:
        by_label = {label: value for label, value in point.by_label.items() if label in kept}
        rest = total(value for label, value in point.by_label.items() if label not in kept)
        folded.append(Point(point.label, point.short, {**by_label, OTHER: rest} if rest else by_label))
    return folded, [*kept, OTHER]


def _sum(point: Point) -> Decimal:
    return total(point.by_label.values())


def _describe(
    points: Sequence[Point], totals: dict[str, Decimal], whole: Decimal, unit: str, show: Callable[[Decimal], str]
) -> str:
    """The picture's conclusion in a sentence or two."""
    if not whole:
        return f"Nothing from {points[0].label} to {points[-1].label}."
    peak = max(points, key=_sum)
    text = (
        f"{_with_unit(show(whole), unit)} from {points[0].label} to {points[-1].label};"
        f" most on {peak.label}: {show(_sum(peak))}."
    )
    if len(totals) > 1:
        first = next(iter(totals))
        text += f" The largest part is {first} with {show(totals[first])}, {percent(totals[first], whole)}."
    return text


def _with_unit(figure: str, unit: str) -> str:
    return f"{figure} {unit}" if unit else figure


def _draw(
    points: Sequence[Point],
    labels: Sequence[str],
    numbers: Sequence[int],
    *,
    width: int,
    height: int,
    marks: int,
    are_lines: bool = False,
) -> Drawing:
    above, below = _extents(points, labels, are_stacked=not are_lines)
    axis = ValueAxis.around([*below, *above], width=width, height=height, top=10)
    pitch = (axis.right - axis.left) / len(points)
    drawn = _steps if are_lines else _bars
    return Drawing(
        width=width,
        height=height,
        left=position(axis.left),
        right=position(axis.right),
        top=position(axis.top),
        bottom=position(axis.bottom),
        baseline=position(axis.y_of(ZERO)),
        paths=tuple(zip(numbers, drawn(points, labels, axis.left, pitch, axis.y_of), strict=True)),
        ticks=axis.labels(),
        marks=_marks(points, left=axis.left, pitch=pitch, y=Decimal(height - 7), most=marks),
        dense=pitch < 6,
        are_lines=are_lines,
    )


def _extents(
    points: Sequence[Point], labels: Sequence[str], *, are_stacked: bool
) -> tuple[list[Decimal], list[Decimal]]:
    """How far up and down the drawing reaches."""
    columns = [[p.by_label[label] for label in labels if label in p.by_label] for p in points]
    if not are_stacked:
        seen = [value for column in columns for value in column]
        return [value for value in seen if value > 0], [value for value in seen if value < 0]
    above = [total(value for value in column if value > 0) for column in columns]
    return above, [total(value for value in column if value < 0) for column in columns]


def _bars(
    points: Sequence[Point],
    labels: Sequence[str],
    left: Decimal,
    pitch: Decimal,
    y_of: Callable[[Decimal], Decimal],
) -> list[str]:
    """A path of bars for each label, stacked on those before it."""
    gap = pitch / 5 if pitch >= 3 else ZERO
    bar = min(pitch - gap, Decimal(44))
    paths: dict[str, list[str]] = {label: [] for label in labels}
    for n, point in enumerate(points):
        x = left + pitch * n + (pitch - bar) / 2
        up = down = ZERO
        for label in labels:
            value = point.by_label.get(label, ZERO)
            base = up if value > 0 else down
            if value:
                paths[label].append(_bar(x, y_of(base), bar, y_of(base + value)))
            up, down = (up + value, down) if value > 0 else (up, down + value)
    return ["".join(paths[label]) for label in labels]


def _steps(
    points: Sequence[Point],
    labels: Sequence[str],
    left: Decimal,
    pitch: Decimal,
    y_of: Callable[[Decimal], Decimal],
) -> list[str]:
    """A stepped line for each label, as wide as its columns; it breaks where there is no value."""
    paths = []
    for label in labels:
        parts, is_on = [], False
        for n, point in enumerate(points):
            value = point.by_label.get(label)
            if value is not None:
                y = position(y_of(value))
                start = f"V{y}" if is_on else f"M{position(left + pitch * n)} {y}"
                parts.append(f"{start}H{position(left + pitch * (n + 1))}")
            is_on = value is not None
        paths.append("".join(parts))
    return paths


def _marks(points: Sequence[Point], *, left: Decimal, pitch: Decimal, y: Decimal, most: int) -> tuple[Text, ...]:
    """The column labels that fit: every n-th of those that have one."""
    named = [n for n, point in enumerate(points) if point.short]
    every = -(-len(named) // most) if named else 1
    shown = named[::every]
    return tuple(Text(position(left + pitch * n + pitch / 2), position(y), points[n].short) for n in shown)


def _bar(x: Decimal, start: Decimal, width: Decimal, end: Decimal) -> str:
    top, height = min(start, end), max(abs(end - start), Decimal("0.4"))
    return f"M{position(x)} {position(top)}h{position(width)}v{position(height)}h-{position(width)}z"
