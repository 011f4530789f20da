"""Events to quantities: which events a billable metric counts, and how an aggregate splits over windows.

One rule splits every aggregation over consecutive windows of a billing period: a window's quantity is the aggregate
from the period's start to the window's end, minus the aggregate from the period's start to the window's start. So the
windows always sum to the whole. Rules and tables: docs/algorithms/aggregation.md.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from engine.calendar import Period, consecutive, utc, window_index
from engine.errors import InvalidTerms
from engine.money import ZERO, add, subtract

Group = tuple[str | None, ...]
"""The values of the group keys, in the keys' order; None where an event lacks the property."""

NUMBER_PATTERN: Final = r"^[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-2]?[0-9])?$"
"""The texts that count as numbers, as a pattern that Python and PostgreSQL read alike.

Bounded, so that no event can make arithmetic inexact or slow. PostgreSQL casts every match to `numeric`.
"""

_NUMBER: Final = re.compile(NUMBER_PATTERN)
_BEFORE_POINT: Final = 131072
_AFTER_POINT: Final = 16383
_INTEGER_BITS: Final = 14000  # Python writes out integers of up to 4,300 digits


class Aggregation(StrEnum):
    """What a billable metric makes of the events it counts."""

    COUNT = "COUNT"
    SUM = "SUM"
    MAX = "MAX"
    UNIQUE = "UNIQUE"
    LATEST = "LATEST"


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """A rule on one property; null and absent are the same. Every part that is given must pass.

    `exists` True: the property must be there; False: it must not. `in_values`: its text must be one of these.
    `not_in_values`: its text must be none of these; an absent property passes.
    """

    name: str
    exists: bool | None = None
    in_values: tuple[str, ...] | None = None
    not_in_values: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidTerms("a property filter needs a name", "property_filters")
        if self.in_values == () or self.not_in_values == ():
            raise InvalidTerms("a filter's list of values must not be empty", "property_filters")

    def passes(self, text: str | None) -> bool:
        """Whether a property of this text (None: absent) passes."""
        if self.exists is not None and self.exists is (text is None):
            return False
        if self.in_values is not None and text not in self.in_values:
            return False
        return self.not_in_values is None or text not in self.not_in_values


@dataclass(frozen=True, slots=True)
class EventTypeFilter:
    """A rule on an event's type."""

    in_values: tuple[str, ...] | None = None
    not_in_values: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.in_values == () or self.not_in_values == ():
            raise InvalidTerms("a filter's list of values must not be empty", "event_type_filter")

    def passes(self, event_type: str) -> bool:
        """Whether an event of this type passes."""
        if self.in_values is not None and event_type not in self.in_values:
            return False
        return self.not_in_values is None or event_type not in self.not_in_values


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a billable metric counts and how. COUNT ignores `aggregation_key`, the others need it."""

    aggregation: Aggregation
    aggregation_key: str | None = None
    event_type_filter: EventTypeFilter | None = None
    property_filters: tuple[PropertyFilter, ...] = ()

    def __post_init__(self) -> None:
        if self.aggregation is not Aggregation.COUNT and not self.aggregation_key:
            raise InvalidTerms(f"{self.aggregation} needs an aggregation_key", "aggregation_key")


@dataclass(frozen=True, slots=True)
class Event:
    """A usage event. `arrival` orders events of equal timestamp: the later arrival is the later event.

    `properties` is parsed JSON with its numbers as int or Decimal; a float is refused.
    """

    transaction_id: str
    event_type: str
    timestamp: datetime
    arrival: int
    properties: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "timestamp", utc(self.timestamp, "timestamp"))
        for value in self.properties.values():
            _check_json(value)


def _check_json(value: object) -> None:
    """Refuses what exact JSON cannot hold: floats, and numbers that PostgreSQL's `numeric` cannot."""
    if isinstance(value, Mapping):
        for inner in value.values():
            _check_json(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_json(inner)
    elif isinstance(value, float):
        raise InvalidTerms("numbers must be exact: int, Decimal or text", "properties")
    elif not _storable(value):
        raise InvalidTerms("a property is no JSON value or a number out of range", "properties")


def _storable(value: object) -> bool:
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return isinstance(exponent, int) and exponent >= -_AFTER_POINT and value.adjusted() < _BEFORE_POINT
    if isinstance(value, int):
        return value.bit_length() <= _INTEGER_BITS
    return value is None or isinstance(value, str)


def property_text(value: object) -> str | None:
    """A property's value as text, exactly as PostgreSQL's `jsonb ->>` gives it; None for null.

    Strings stay as they are, booleans read true and false, numbers have no exponent and keep their decimals
    (1.50 -> "1.50", 1e2 -> "100"), lists and objects become jsonb's text.
    """
    if value is None or isinstance(value, str):
        return value
    return _jsonb(value)


def _jsonb(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value.copy_abs() if value.is_zero() else value, "f")
    if isinstance(value, Mapping):
        keys = sorted((key.encode(errors="surrogatepass"), key) for key in value)
        keys.sort(key=lambda pair: len(pair[0]))
        return "{" + ", ".join(f"{_jsonb(key)}: {_jsonb(value[key])}" for _, key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_jsonb(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def numeric(value: object) -> Decimal | None:
    """The exact number that a property's text spells by NUMBER_PATTERN; None where it spells none."""
    text = property_text(value)
    return None if text is None or _NUMBER.fullmatch(text) is None else Decimal(text)


def matches(spec: MetricSpec, event: Event) -> bool:
    """Whether the event passes the metric's filters (it counts only if it also has a usable value)."""
    if spec.event_type_filter is not None and not spec.event_type_filter.passes(event.event_type):
        return False
    properties = event.properties
    return all(rule.passes(property_text(properties.get(rule.name))) for rule in spec.property_filters)


def group_of(event: Event, group_keys: Sequence[str]) -> Group:
    """The event's values of the group keys."""
    return tuple(property_text(event.properties.get(key)) for key in group_keys)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The quantity of one group in one window, and how many events counted there."""

    window: Period
    group: Group
    quantity: Decimal
    event_count: int

    def __post_init__(self) -> None:
        if not self.quantity.is_finite():
            raise InvalidTerms("quantity must be a finite number", "quantity")
        if self.event_count < 0:
            raise InvalidTerms("event_count must not be negative", "event_count")


@dataclass(frozen=True, slots=True)
class Partial:
    """What a store computes in SQL for one window and group, without looking at other windows (except UNIQUE).

    `value` is COUNT: the count; SUM: the sum; MAX: the greatest value in the window; LATEST: the last value in the
    window by (timestamp, arrival); UNIQUE: how many values appear in this window for the first time in the period.
    Windows without counting events have no partial.
    """

    window_index: int
    group: Group
    value: Decimal
    event_count: int


def increments(aggregation: Aggregation, partials: Iterable[tuple[int, Decimal]]) -> list[tuple[int, Decimal]]:
    """One group's partial values as (window index, quantity), in window order; windows left out have quantity 0."""
    ordered = sorted(partials)
    if aggregation not in (Aggregation.MAX, Aggregation.LATEST):
        return ordered
    result = []
    standing: Decimal | None = None
    for index, value in ordered:
        reached = max(standing, value) if aggregation is Aggregation.MAX and standing is not None else value
        result.append((index, subtract(reached, ZERO if standing is None else standing)))
        standing = reached
    return result


def rows_from_partials(
    aggregation: Aggregation, partials: Iterable[Partial], windows: Sequence[Period]
) -> list[UsageRow]:
    """A store's partials as usage rows, ordered by group and window; `windows` as for `aggregate`."""
    by_group: dict[Group, list[Partial]] = defaultdict(list)
    for partial in partials:
        by_group[partial.group].append(partial)
    rows = []
    for group in sorted(by_group, key=group_order):
        counts = {partial.window_index: partial.event_count for partial in by_group[group]}
        values = [(partial.window_index, partial.value) for partial in by_group[group]]
        for index, quantity in increments(aggregation, values):
            rows.append(UsageRow(windows[index], group, quantity, counts[index]))
    return rows


def group_order(group: Group) -> tuple[tuple[bool, str], ...]:
    """A sort key for groups: by their values as text, an absent value first."""
    return tuple((value is not None, value or "") for value in group)


def aggregate(
    spec: MetricSpec, events: Iterable[Event], windows: Sequence[Period], group_keys: Sequence[str] = ()
) -> list[UsageRow]:
    """The quantities of each group in each window, from raw events: the definition that every store must meet.

    `windows` are consecutive windows of one billing period from its start; `events` are the customer's, each once, in
    any order; those outside the windows or not counted are ignored. A row stands for each window and group in which
    an event counted, ordered by group and window.
    """
    consecutive(windows, "windows")
    starts = [window.start for window in windows]
    counted: dict[Group, list[tuple[datetime, int, int, Decimal | str]]] = defaultdict(list)
    for event in events:
        index = window_index(starts, event.timestamp)
        if index < 0 or event.timestamp >= windows[index].end or not matches(spec, event):
            continue
        value = _value(spec, event)
        if value is not None:
            counted[group_of(event, group_keys)].append((event.timestamp, event.arrival, index, value))
    rows = []
    for group in sorted(counted, key=group_order):
        rows += _windows_of(spec.aggregation, sorted(counted[group]), windows, group)
    return rows


def _value(spec: MetricSpec, event: Event) -> Decimal | str | None:
    """What the event brings to the aggregate; None where it does not count."""
    if spec.aggregation is Aggregation.COUNT:
        return Decimal(1)
    value = event.properties.get(spec.aggregation_key or "")
    return property_text(value) if spec.aggregation is Aggregation.UNIQUE else numeric(value)


def _windows_of(
    aggregation: Aggregation,
    entries: Sequence[tuple[datetime, int, int, Decimal | str]],
    windows: Sequence[Period],
    group: Group,
) -> list[UsageRow]:
    """The rows of one group, its counted (timestamp, arrival, window, value) entries in order of time."""
    reached: dict[int, Decimal] = {}
    counts: dict[int, int] = defaultdict(int)
    seen: set[str] = set()
    standing = ZERO
    for position, (_, _, index, value) in enumerate(entries):
        if isinstance(value, str):
            seen.add(value)
            standing = Decimal(len(seen))
        elif aggregation is Aggregation.LATEST or (aggregation is Aggregation.MAX and position == 0):
            standing = value
        elif aggregation is Aggregation.MAX:
            standing = max(standing, value)
        else:
            standing = add(standing, value)
        reached[index] = standing
        counts[index] += 1
    rows = []
    before = ZERO
    for index in sorted(reached):
        rows.append(UsageRow(windows[index], group, subtract(reached[index], before), counts[index]))
        before = reached[index]
    return rows
