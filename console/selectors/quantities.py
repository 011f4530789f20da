"""A metric's quantities over time, split by one of its group keys: exact, and honest about what has no sum.

The console's units view and the back office's explorer show the same answer.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Final
from uuid import UUID

from catalog.models import BillableMetric
from catalog.selectors import metric_spec
from engine.calendar import Period
from engine.money import ZERO, subtract, total
from engine.usage import Aggregation, Group, UsageRow
from presentation import formatting
from presentation.charts.stacked_bars import OTHER, Point, StackedBars, Whole, levels, stacked_bars
from presentation.formatting import ELLIPSIS
from presentation.groups import GroupNames
from usage.selectors import UsageQuery, get_usage, usage_windows

MAX_PARTS: Final = 200
"""Parts that are told apart; the least of more than that are one."""
LONGEST_LABEL: Final = 80


@dataclass(frozen=True, slots=True)
class Kind:
    """An aggregation in a person's words. `note` says why columns do not add up; it is "" where they do."""

    unit: str = ""
    by: str = ""
    column: str = "Total"
    whole: str = "Total"
    covers: str = ""
    note: str = ""

    @property
    def adds_up(self) -> bool:
        """Whether columns and parts sum to the whole."""
        return not self.note


KINDS: Final[Mapping[Aggregation, Kind]] = {
    Aggregation.COUNT: Kind(unit="events"),
    Aggregation.SUM: Kind(),
    Aggregation.MAX: Kind(
        by=", peak",
        column="Peak",
        whole="Peak of the range",
        covers="Highest in ",
        note="Each {step} shows its peak. Peaks do not add up: the figure above is the highest of the whole range.",
    ),
    Aggregation.UNIQUE: Kind(
        unit="different",
        by=", different values",
        column="Different",
        whole="Different in the range",
        covers="Counted once each in ",
        note="Each {step} counts every value once. The same value can come again in another {step}, so {step}s do not"
        " add up: the figure above counts it once in the whole range.",
    ),
    Aggregation.LATEST: Kind(
        by=", latest value",
        column="Latest",
        whole="Latest in the range",
        covers="Newest in ",
        note="Each {step} shows its latest value. Latest values do not add up: the figure above is the newest of the"
        " whole range.",
    ),
}


@dataclass(frozen=True, slots=True)
class Quantities:
    """The exact answer. `cells`: by window, then by part (its label), where something counted.

    `wholes` and `whole` are each part's and everything's quantity over the whole range, `by_window` everything's in
    each window. Where quantities have no sum, `left_out` parts beyond `MAX_PARTS` are missing; else they are Other.
    """

    metric: BillableMetric
    keys: tuple[str, ...]
    step: str
    windows: tuple[Period, ...]
    cells: Mapping[datetime, Mapping[str, Decimal]]
    parts: Mapping[str, Group]
    wholes: Mapping[str, Decimal]
    by_window: Mapping[datetime, Decimal]
    whole: Decimal | None
    left_out: int = 0
    kind: Kind = field(default_factory=Kind)

    @property
    def is_empty(self) -> bool:
        """Whether nothing counted."""
        return self.whole is None

    @property
    def note(self) -> str:
        """Why the columns do not add up; "" where they do."""
        return self.kind.note.format(step=self.step)


def key_choices(metric: BillableMetric) -> dict[str, tuple[str, ...]]:
    """The metric's group keys by the word that stands for each in an address."""
    return {",".join(key)[:LONGEST_LABEL]: tuple(key) for key in metric.group_keys}


def quantities(
    *,
    customer_id: UUID,
    metric: BillableMetric,
    keys: tuple[str, ...] = (),
    start: datetime,
    end: datetime,
    step: str,
    names: GroupNames | None = None,
) -> Quantities:
    """The customer's quantities of `metric` in `[start, end)` by UTC `step` (day or hour); three statements, six with
    `keys`, however many parts there are.
    """
    spec = metric_spec(metric)
    windows = usage_windows(Period(start, end), step.upper())
    once = UsageQuery(metric.pk, spec, (Period(start, end),), independent=True)
    by_window = replace(once, windows=windows)
    if not keys:
        whole, rows = get_usage(customer_id=customer_id, queries=[once, by_window])
        found = _everything(metric, keys, step, windows, whole=whole, rows=rows)
        label = metric.name
        return replace(
            found,
            cells={at: {label: value} for at, value in found.by_window.items()},
            parts={label: ()},
            wholes={} if found.whole is None else {label: found.whole},
        )
    [seen] = get_usage(customer_id=customer_id, queries=[replace(once, group_keys=keys)])
    kept = [row.group for row in sorted(seen, key=lambda row: -abs(row.quantity))[:MAX_PARTS]]
    left_out = len(seen) - len(kept)
    filters = {key: tuple({group[n] for group in kept}) for n, key in enumerate(keys)} if left_out else {}
    whole, rows, parts, part_rows = get_usage(
        customer_id=customer_id,
        queries=[
            once,
            by_window,
            replace(once, group_keys=keys, group_filters=filters),
            replace(by_window, group_keys=keys, group_filters=filters),
        ],
    )
    found = _everything(metric, keys, step, windows, whole=whole, rows=rows)
    return _split(found, parts, part_rows, kept, left_out=left_out, names=names or GroupNames())


def _everything(
    metric: BillableMetric,
    keys: tuple[str, ...],
    step: str,
    windows: tuple[Period, ...],
    *,
    whole: Sequence[UsageRow],
    rows: Iterable[UsageRow],
) -> Quantities:
    """The answer without parts."""
    return Quantities(
        metric=metric,
        keys=keys,
        step=step,
        windows=windows,
        cells={},
        parts={},
        wholes={},
        by_window={row.window.start: row.quantity for row in rows},
        whole=whole[0].quantity if whole else None,
        kind=KINDS[metric_spec(metric).aggregation],
    )


def _split(
    found: Quantities,
    parts: Iterable[UsageRow],
    rows: Iterable[UsageRow],
    kept: Sequence[Group],
    *,
    left_out: int,
    names: GroupNames,
) -> Quantities:
    labels = _labels(kept, found.keys, names)
    cells: dict[datetime, dict[str, Decimal]] = {}
    for row in rows:
        if row.group in labels:
            cells.setdefault(row.window.start, {})[labels[row.group]] = row.quantity
    wholes = {labels[row.group]: row.quantity for row in parts if row.group in labels}
    if found.kind.adds_up:
        # What came in since the parts were ranked, and parts beyond the limit: the rest of each window.
        for at, value in found.by_window.items():
            rest = subtract(value, total(cells.get(at, {}).values()))
            if rest:
                cells.setdefault(at, {})[OTHER] = rest
        other = total(column.get(OTHER, ZERO) for column in cells.values())
        wholes = {**wholes, OTHER: other} if any(OTHER in column for column in cells.values()) else wholes
    return replace(
        found, cells=cells, parts={label: group for group, label in labels.items()}, wholes=wholes, left_out=left_out
    )


def _labels(groups: Iterable[Group], keys: Sequence[str], names: GroupNames) -> dict[Group, str]:
    """A name for each group; a second one of the same name gets a number, so that no two are taken for one."""
    taken = {OTHER}
    found = {}
    for group in groups:
        name = ", ".join(names.value(key, value) for key, value in zip(keys, group, strict=True)) or "empty"
        name = name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + ELLIPSIS
        label = next(text for n in count(1) if (text := name if n == 1 else f"{name} ({n})") not in taken)
        taken.add(label)
        found[group] = label
    return found


def draw(found: Quantities, among: Collection[str] = ()) -> StackedBars:
    """The chart: stacked where parts add up, beside each other where they do not. `among`: names to share colours."""
    hours = found.step == "hour"
    points = [
        Point(
            f"{formatting.day(at, year=False)}, {at:%H:%M}" if hours else formatting.day(at, year=False),
            (formatting.day(at, year=False) if at.hour == 0 else "") if hours else formatting.day(at, year=False),
            dict(found.cells.get(at, {})),
        )
        for at in (window.start for window in found.windows)
    ]
    title = f"{found.metric.name}{found.kind.by} by {found.step}"
    axis = "Hour (UTC)" if hours else "Day (UTC)"
    if found.kind.adds_up:
        return stacked_bars(
            points, title=title, unit=found.kind.unit, show=formatting.quantity, axis=axis, wide=960, among=among
        )
    return levels(
        points,
        Whole(found.whole, tuple(found.by_window.get(window.start) for window in found.windows), dict(found.wholes)),
        title=title,
        unit=found.kind.unit,
        show=formatting.quantity,
        axis=axis,
        total_label=found.kind.column,
        whole_label=found.kind.whole,
        wide=960,
        among=among,
    )


def csv_rows(found: Quantities, names: GroupNames | None = None) -> tuple[list[str], Iterator[list[object]]]:
    """Header and rows of a file: a row for each window and part in which something counted.

    Where quantities add up, they sum to the chart's total. Instants in UTC, quantities as exact decimals.
    """
    called = names or GroupNames()
    header = [found.step, "metric", "aggregation", *(called.key(key) for key in found.keys), "quantity"]
    return header, _csv_rows(found, called)


def _csv_rows(found: Quantities, names: GroupNames) -> Iterator[list[object]]:
    aggregation = found.metric.aggregation_type.lower()
    for window in found.windows:
        for label, value in sorted(found.cells.get(window.start, {}).items()):
            group = found.parts.get(label)
            values = (
                [OTHER] * len(found.keys)
                if group is None
                else [names.value(key, value) for key, value in zip(found.keys, group, strict=True)]
            )
            yield [window.start, found.metric.name, aggregation, *values, value]
