"""Stored quantities and events that are not stored, put together exactly: what usage would be if they had come in.

A preview must not read all events again. SUM and COUNT add up; MAX compares; LATEST and UNIQUE need to know what stands
where the new events fall, which `fine_windows` and `new_values` say how to ask for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from engine.calendar import Period, split, window_index
from engine.money import ONE, ZERO, add, subtract
from engine.usage import (
    Aggregation,
    Event,
    Group,
    MetricSpec,
    Partial,
    UsageRow,
    aggregate,
    group_of,
    group_order,
    matches,
    property_text,
    rows_from_partials,
)

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many stored events of a group had this value of a UNIQUE metric's key in a window."""

    window_index: int
    group: Group
    value: str


def fine_windows(windows: Sequence[Period], events: Iterable[Event]) -> list[Period]:
    """`windows` cut just before and just after each event: inside such a window nothing depends on the order."""
    edges = [edge for event in events for edge in (event.timestamp, event.timestamp + _INSTANT)]
    return [part for window in windows for part in split(window, edges)]


def merged(
    spec: MetricSpec,
    stored: Iterable[UsageRow],
    events: Sequence[Event],
    windows: Sequence[Period],
    *,
    group_keys: Sequence[str] = (),
) -> list[UsageRow]:
    """The usage rows of `windows` with `events` added to what is stored; the events arrive after all stored ones.

    `stored`: rows of each window by itself (not increments); for LATEST in `fine_windows`. Not for UNIQUE.
    """
    fine = fine_windows(windows, events) if spec.aggregation is Aggregation.LATEST else list(windows)
    starts = [window.start for window in fine]
    found: dict[tuple[int, Group], Partial] = {}
    for row in stored:
        _put(
            found,
            spec.aggregation,
            Partial(window_index(starts, row.window.start), row.group, row.quantity, row.event_count),
        )
    for index, window in enumerate(fine):
        for row in aggregate(spec, events, [window], group_keys):
            _put(found, spec.aggregation, Partial(index, row.group, row.quantity, row.event_count))
    partials = sorted(found.values(), key=lambda partial: (group_order(partial.group), partial.window_index))
    if spec.aggregation is Aggregation.LATEST:
        partials = _coarser(partials, fine, windows)
    return rows_from_partials(spec.aggregation, partials, windows)


def _put(found: dict[tuple[int, Group], Partial], aggregation: Aggregation, new: Partial) -> None:
    """Adds a partial to what stands in its window; the later call is the later arrival."""
    key = new.window_index, new.group
    old = found.get(key)
    if old is not None:
        value = new.value
        if aggregation is Aggregation.MAX:
            value = max(old.value, new.value)
        elif aggregation is not Aggregation.LATEST:
            value = add(old.value, new.value)
        new = Partial(new.window_index, new.group, value, old.event_count + new.event_count)
    found[key] = new


def _coarser(partials: Iterable[Partial], fine: Sequence[Period], windows: Sequence[Period]) -> list[Partial]:
    """Partials of fine windows, in order of time, as partials of the windows that they are parts of."""
    starts = [window.start for window in windows]
    found: dict[tuple[int, Group], Partial] = {}
    for partial in partials:
        index = window_index(starts, fine[partial.window_index].start)
        _put(found, Aggregation.LATEST, Partial(index, partial.group, partial.value, partial.event_count))
    return list(found.values())


def new_values(spec: MetricSpec, events: Iterable[Event]) -> set[str]:
    """The values that `events` bring to a UNIQUE metric."""
    texts = (
        property_text(event.properties.get(spec.aggregation_key or "")) for event in events if matches(spec, event)
    )
    return {text for text in texts if text is not None}


def merged_unique(
    spec: MetricSpec,
    stored: Iterable[UsageRow],
    known: Iterable[ValueCount],
    events: Sequence[Event],
    windows: Sequence[Period],
    *,
    group_keys: Sequence[str] = (),
) -> list[UsageRow]:
    """As `merged`, for UNIQUE: `stored` are increments; `known` says where stored events have one of `new_values`.

    A value counts in the window in which it appears first: where an event brings it earlier, it moves.
    """
    first: dict[tuple[Group, str], int] = {}
    for entry in known:
        key = entry.group, entry.value
        first[key] = min(entry.window_index, first.get(key, entry.window_index))
    starts = [window.start for window in windows]
    values: dict[tuple[int, Group], Decimal] = {}
    counts: dict[tuple[int, Group], int] = {}
    for row in stored:
        place = window_index(starts, row.window.start), row.group
        values[place], counts[place] = row.quantity, row.event_count
    earliest: dict[tuple[Group, str], int] = {}
    for event in events:
        index = window_index(starts, event.timestamp)
        text = property_text(event.properties.get(spec.aggregation_key or ""))
        if index < 0 or event.timestamp >= windows[index].end or text is None or not matches(spec, event):
            continue
        group = group_of(event, group_keys)
        counts[index, group] = counts.get((index, group), 0) + 1
        values.setdefault((index, group), ZERO)
        earliest[group, text] = min(index, earliest.get((group, text), index))
    for key, index in earliest.items():
        before = first.get(key)
        if before is not None and before <= index:
            continue
        values[index, key[0]] = add(values[index, key[0]], ONE)
        if before is not None:
            values[before, key[0]] = subtract(values[before, key[0]], ONE)
    order = sorted(values, key=lambda place: (group_order(place[1]), place[0]))
    return [UsageRow(windows[index], group, values[index, group], counts[index, group]) for index, group in order]
