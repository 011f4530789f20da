"""Which events a query counts, as SQL: the same rules as `engine.usage`, evaluated where the events are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from engine.calendar import Period
from engine.usage import NUMBER_PATTERN, Aggregation, EventTypeFilter, MetricSpec, PropertyFilter
from usage.store.base import UsageQuery

PROPERTY = "(e.properties ->> %s::text)"


@dataclass(slots=True)
class Fragment:
    """A piece of SQL with its parameters in the order of its placeholders."""

    sql: str
    params: list[Any] = field(default_factory=list)


def together(parts: Sequence[Fragment], glue: str) -> Fragment:
    """The parts as one."""
    return Fragment(glue.join(part.sql for part in parts), [value for part in parts for value in part.params])


def counted(refs: Sequence[str], query: UsageQuery) -> Fragment:
    """A SELECT of the counting events: w (window index), g0… (group values), value, timestamp, arrival.

    `value` is 1 for COUNT, text for UNIQUE, numeric for the others. Rows without a usable value are still there:
    callers add `value IS NOT NULL`.
    """
    source = Fragment("usage_usageevent e")
    return counted_from(source, Fragment("e.customer_ref = ANY(%s::text[])", [list(refs)]), query)


def counted_from(source: Fragment, condition: Fragment, query: UsageQuery) -> Fragment:
    """The same of `source`, which is called e, where `condition` holds too."""
    groups = together([Fragment(f", {PROPERTY} AS g{i}", [key]) for i, key in enumerate(query.group_keys)], "")
    where = together([condition, *counting_condition(query)], " AND ")
    window = window_of("e.timestamp", query.windows)
    text = text_of(query.spec)
    inner = Fragment(
        f"SELECT {window.sql} AS w{groups.sql}, {text.sql} AS text, e.timestamp, e.arrival"  # noqa: S608 - no input in it
        f" FROM {source.sql} WHERE {where.sql}",
        [*window.params, *groups.params, *text.params, *source.params, *where.params],
    )
    return valued(query.spec, f"w{''.join(f', g{i}' for i in range(len(query.group_keys)))}", inner)


def valued(spec: MetricSpec, columns: str, inner: Fragment) -> Fragment:
    """`columns`, value, timestamp and arrival of `inner`, which has them and the property as `text` (`text_of`).

    OFFSET 0 keeps the planner from working each out again wherever it is used: these are the dear parts of a row.
    """
    value = value_of(spec, "text")
    return Fragment(
        f"SELECT {columns}, {value.sql} AS value, timestamp, arrival FROM ({inner.sql} OFFSET 0) e OFFSET 0",  # noqa: S608
        [*value.params, *inner.params],
    )


def counting_condition(query: UsageQuery) -> list[Fragment]:
    """Conditions that an event lies in the query's windows and passes its filters."""
    return [*in_windows(query.windows), *filters_of(query.spec), *_groups(query.group_filters)]


def window_of(instant: str, windows: Sequence[Period]) -> Fragment:
    """The index of the window that holds the column `instant`, which is known to lie in one."""
    if len(windows) == 1:
        return Fragment("0")
    return Fragment(f"width_bucket({instant}, %s::timestamptz[]) - 1", [[w.start for w in windows]])


def text_of(spec: MetricSpec) -> Fragment:
    """The property that an event's value is read from, as text; NULL where none is needed."""
    if spec.aggregation is Aggregation.COUNT:
        return Fragment("NULL::text")
    return Fragment(PROPERTY, [spec.aggregation_key])


def value_of(spec: MetricSpec, text: str) -> Fragment:
    """What an event brings to the aggregate, from the column `text` of `text_of`; NULL where it does not count."""
    if spec.aggregation is Aggregation.COUNT:
        return Fragment("1::numeric")
    if spec.aggregation is Aggregation.UNIQUE:
        return Fragment(text)
    # CASE keeps the cast away from texts that spell no number.
    return Fragment(_NUMBER.format(text=text), [NUMBER_PATTERN])


# Plain numbers, which are nearly all, are told by what is left without their digits: the pattern's bounded repetitions
# cost PostgreSQL twenty times as much.
_NUMBER = """CASE
WHEN length({text}) <= 40 AND CASE translate({text}, '0123456789', '')
    WHEN '' THEN {text} <> ''
    WHEN '.' THEN {text} <> '.'
    WHEN '-' THEN {text} LIKE '-_%%'
    ELSE false END THEN {text}::numeric
WHEN {text} ~ %s THEN {text}::numeric END"""


def between(start: datetime, end: datetime) -> list[Fragment]:
    """Conditions that an event lies in `[start, end)`; partitions outside are left alone."""
    return [
        Fragment("e.timestamp >= %s::timestamptz", [start]),
        Fragment("e.timestamp < %s::timestamptz", [end]),
    ]


def in_windows(windows: Sequence[Period]) -> list[Fragment]:
    """Conditions that an event lies in one of the windows."""
    parts = between(windows[0].start, windows[-1].end)
    if any(before.end != after.start for before, after in pairwise(windows)):
        starts, ends = [w.start for w in windows], [w.end for w in windows]
        parts.append(
            Fragment("e.timestamp < (%s::timestamptz[])[width_bucket(e.timestamp, %s::timestamptz[])]", [ends, starts])
        )
    return parts


def filters_of(spec: MetricSpec) -> list[Fragment]:
    """Conditions that an event passes the metric's filters."""
    parts = [] if spec.event_type_filter is None else _event_type(spec.event_type_filter)
    return parts + [part for rule in spec.property_filters for part in _property(rule)]


def _event_type(rule: EventTypeFilter) -> list[Fragment]:
    parts = []
    if rule.in_values is not None:
        parts.append(Fragment("e.event_type = ANY(%s::text[])", [list(rule.in_values)]))
    if rule.not_in_values is not None:
        parts.append(Fragment("e.event_type <> ALL(%s::text[])", [list(rule.not_in_values)]))
    return parts


def _property(rule: PropertyFilter) -> list[Fragment]:
    parts = []
    if rule.exists is not None:
        parts.append(Fragment(f"{PROPERTY} IS {'NOT ' if rule.exists else ''}NULL", [rule.name]))
    if rule.in_values is not None:
        parts.append(Fragment(f"{PROPERTY} = ANY(%s::text[])", [rule.name, list(rule.in_values)]))
    if rule.not_in_values is not None:
        parts.append(
            Fragment(
                f"({PROPERTY} IS NULL OR {PROPERTY} <> ALL(%s::text[]))",
                [rule.name, rule.name, list(rule.not_in_values)],
            )
        )
    return parts


def _groups(filters: Mapping[str, tuple[str | None, ...]]) -> list[Fragment]:
    return [passes(Fragment(PROPERTY, [name]), values) for name, values in filters.items()]


def passes(text: Fragment, values: Sequence[str | None]) -> Fragment:
    """Whether `text` is one of `values`; None among them stands for an absent property."""
    found = Fragment(f"{text.sql} = ANY(%s::text[])", [*text.params, [value for value in values if value is not None]])
    if None in values:
        return Fragment(f"({found.sql} OR {text.sql} IS NULL)", [*found.params, *text.params])
    return found
