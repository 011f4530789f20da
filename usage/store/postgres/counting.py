"""Which events a query counts, as SQL: the same rules as `engine.usage`, evaluated where the events are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from engine.usage import NUMBER_PATTERN, Aggregation, EventTypeFilter, PropertyFilter
from usage.store.base import UsageQuery

PROPERTY = "(e.properties ->> %s::text)"


@dataclass(slots=True)
class Fragment:
    """A piece of SQL with its parameters in the order of its placeholders."""

    sql: str
    params: list[Any] = field(default_factory=list)


def counted(refs: Sequence[str], query: UsageQuery) -> Fragment:
    """A SELECT of the counting events: w (window index), g0… (group values), value, timestamp, arrival.

    `value` is 1 for COUNT, text for UNIQUE, numeric for the others. Rows without a usable value are still there:
    callers add `value IS NOT NULL`.
    """
    value = _value(query)
    groups = "".join(f", {PROPERTY} AS g{i}" for i in range(len(query.group_keys)))
    condition = _condition(refs, query)
    return Fragment(
        f"SELECT width_bucket(e.timestamp, %s::timestamptz[]) - 1 AS w{groups}, {value.sql} AS value,"  # noqa: S608 - no input in it
        f" e.timestamp, e.arrival FROM usage_usageevent e WHERE {condition.sql}",
        [[w.start for w in query.windows], *query.group_keys, *value.params, *condition.params],
    )


def _value(query: UsageQuery) -> Fragment:
    spec = query.spec
    if spec.aggregation is Aggregation.COUNT:
        return Fragment("1::numeric")
    if spec.aggregation is Aggregation.UNIQUE:
        return Fragment(PROPERTY, [spec.aggregation_key])
    # CASE keeps the cast away from texts that spell no number.
    return Fragment(
        f"CASE WHEN {PROPERTY} ~ %s THEN {PROPERTY}::numeric END",
        [spec.aggregation_key, NUMBER_PATTERN, spec.aggregation_key],
    )


def _condition(refs: Sequence[str], query: UsageQuery) -> Fragment:
    windows = query.windows
    parts = [
        Fragment("e.customer_ref = ANY(%s::text[])", [list(refs)]),
        Fragment("e.timestamp >= %s::timestamptz", [windows[0].start]),
        Fragment("e.timestamp < %s::timestamptz", [windows[-1].end]),
    ]
    if any(before.end != after.start for before, after in pairwise(windows)):
        starts, ends = [w.start for w in windows], [w.end for w in windows]
        parts.append(
            Fragment("e.timestamp < (%s::timestamptz[])[width_bucket(e.timestamp, %s::timestamptz[])]", [ends, starts])
        )
    if query.spec.event_type_filter is not None:
        parts += _event_type(query.spec.event_type_filter)
    for rule in query.spec.property_filters:
        parts += _property(rule)
    parts += _groups(query.group_filters)
    return Fragment(" AND ".join(p.sql for p in parts), [value for p in parts for value in p.params])


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
    parts = []
    for name, values in filters.items():
        texts = [value for value in values if value is not None]
        passes = Fragment(f"{PROPERTY} = ANY(%s::text[])", [name, texts])
        if len(texts) < len(values):
            passes = Fragment(f"({passes.sql} OR {PROPERTY} IS NULL)", [*passes.params, name])
        parts.append(passes)
    return parts


def aggregation(query: UsageQuery, source: Fragment) -> Fragment:
    """One SELECT of the partials of `source` (from `counted`): w, g0…, value, event_count."""
    groups = "".join(f", g{i}" for i in range(len(query.group_keys)))
    numbers = {
        Aggregation.COUNT: "count(*)::numeric",
        Aggregation.SUM: "sum(value)",
        Aggregation.MAX: "max(value)",
        # The greatest (timestamp, arrival, value), without sorting or collecting: arrays compare item by item.
        Aggregation.LATEST: "(max(ARRAY[extract(epoch FROM timestamp), arrival::numeric, value]))[3]",
    }
    if query.spec.aggregation is not Aggregation.UNIQUE:
        return Fragment(
            f"SELECT w{groups}, {numbers[query.spec.aggregation]}, count(*) FROM ({source.sql}) counted"  # noqa: S608
            f" WHERE value IS NOT NULL GROUP BY w{groups}",
            source.params,
        )
    new = "count(*)" if query.independent else "count(*) FILTER (WHERE w = first)"
    by_group = f"{groups[2:]}, " if groups else ""
    return Fragment(
        f"SELECT w{groups}, ({new})::numeric, sum(events)::bigint FROM ("  # noqa: S608
        f"SELECT w{groups}, value, count(*) AS events, min(w) OVER (PARTITION BY {by_group}value) AS first"
        f" FROM ({source.sql}) counted WHERE value IS NOT NULL GROUP BY w{groups}, value"
        f") per_value GROUP BY w{groups}",
        source.params,
    )
