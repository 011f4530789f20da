"""Events into rollups, as SQL: one pass over the new events for all series that count by the same rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from engine.usage import Aggregation, MetricSpec
from usage.store.postgres.models import HOURS
from usage.store.postgres.query_sql import PROPERTY, Fragment, filters_of, text_of, together, valued

_BIN = "date_bin('1 {}', {}, '2000-01-01 00:00+00'::timestamptz)"
_DAY = _BIN.format("day", "bucket")
_MONTH = "date_trunc('month', bucket, 'UTC')"

# What a group of events comes to: how rows of the events themselves, and then rows of such partials, are put together.
_LATEST = "max(ARRAY[extract(epoch FROM timestamp), arrival::numeric, value])"
_FIRST = {
    Aggregation.COUNT: "count(*)::numeric",
    Aggregation.SUM: "sum(value)",
    Aggregation.MAX: "max(value)",
    Aggregation.LATEST: _LATEST,
}
_AGAIN = {
    Aggregation.COUNT: "sum(value)",
    Aggregation.SUM: "sum(value)",
    Aggregation.MAX: "max(value)",
    Aggregation.LATEST: "max(value)",
}
_STORED = {
    Aggregation.COUNT: "r.value + excluded.value",
    Aggregation.SUM: "r.value + excluded.value",
    Aggregation.MAX: "greatest(r.value, excluded.value)",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A series to add to: its id and its keys."""

    id: int
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Added:
    """The finest partials of a target: what they are called, and by which columns they are."""

    name: str
    columns: tuple[str, ...]


class _Hours(Enum):
    """Where the hours of a day's row come from: none are kept, rows by hour, columns of the day's finer rows."""

    NONE = auto()
    FROM_ROWS = auto()
    FROM_COLUMNS = auto()


def rollup_statement(spec: MetricSpec, targets: Sequence[Target], lower: int, upper: int) -> Fragment:
    """The statement that adds the events with `lower <= xact < upper` to the targets' rollups by the rules `spec`.

    A series by fewer keys is added up from one by more, where there is one: it has fewer rows than the events.
    """
    keys = sorted({key for target in targets for key in target.keys})
    base = _base(spec, keys, lower, upper)
    heads, parts = [Fragment(f"base AS MATERIALIZED ({base.sql})", base.params)], []
    done: list[_Added] = []
    for number, target in enumerate(sorted(targets, key=lambda target: -len(target.keys))):
        columns = tuple(f"g{keys.index(key)}" for key in target.keys)
        fitting = [added for added in done if set(columns) <= set(added.columns)]
        source = min(fitting, key=lambda added: len(added.columns)).name if fitting else "base"
        grains = _grains(spec.aggregation)
        done.append(_Added(f"{grains[0][0]}{number}", columns))
        for grain, bucket in grains:
            name = f"{grain}{number}"
            hours = _Hours.NONE
            if grain == "D" and _has_hours(spec.aggregation):
                hours = _Hours.FROM_ROWS if source == "base" else _Hours.FROM_COLUMNS
            heads.append(Fragment(f"{name} AS MATERIALIZED ({_coarser(spec, source, bucket, columns, hours)})"))
            shown = f"ref, bucket, ARRAY[{', '.join(columns)}]::text[] AS groups, value, events"
            if _has_hours(spec.aggregation):
                shown += "".join(f", {hour if hours is not _Hours.NONE else 'NULL'}" for pair in HOURS for hour in pair)
            parts.append(Fragment(f"SELECT {target.id} AS series, '{grain}' AS grain, {shown} FROM {name}"))  # noqa: S608
            source = name
    head, body = together(heads, ", "), together(parts, " UNION ALL ")
    insert = _INSERT_VALUES if spec.aggregation is Aggregation.UNIQUE else _insert(spec.aggregation)
    return Fragment(f"WITH {head.sql} {insert.format(body=body.sql)}", head.params)


def _has_hours(aggregation: Aggregation) -> bool:
    """Whether a day's row holds its hours too."""
    return aggregation not in (Aggregation.UNIQUE, Aggregation.LATEST)


def _grains(aggregation: Aggregation) -> list[tuple[str, str]]:
    """The rows of a series, and their buckets by that of the finer one. LATEST keeps more than a value, so its hours
    have rows of their own."""
    hours = [("H", "bucket")] if aggregation is Aggregation.LATEST else []
    return [*hours, ("D", _DAY), ("M", _MONTH)]


def _base(spec: MetricSpec, keys: Sequence[str], lower: int, upper: int) -> Fragment:
    """The new events by ref, hour and all keys; for UNIQUE by ref, day, all keys and value."""
    names = [f"g{i}" for i in range(len(keys))]
    groups = together([Fragment(f", {PROPERTY} AS {name}", [key]) for key, name in zip(keys, names, strict=True)], "")
    text = text_of(spec)
    where = together([Fragment("e.xact >= %s AND e.xact < %s", [lower, upper]), *filters_of(spec)], " AND ")
    by = "".join(f", {name}" for name in names)
    unique = spec.aggregation is Aggregation.UNIQUE
    bucket = _BIN.format("day" if unique else "hour", "e.timestamp")
    inner = Fragment(
        f"SELECT e.customer_ref AS ref, {bucket} AS bucket, e.timestamp, e.arrival{groups.sql}, {text.sql} AS text"  # noqa: S608
        f" FROM usage_usageevent e WHERE {where.sql}",
        [*groups.params, *text.params, *where.params],
    )
    fresh = valued(spec, f"ref, bucket{by}", inner)
    result = "value" if unique else f"{_FIRST[spec.aggregation]} AS value"
    return Fragment(
        f"SELECT ref, bucket{by}, {result}, count(*) AS events FROM ({fresh.sql}) fresh"  # noqa: S608
        f" WHERE value IS NOT NULL GROUP BY ref, bucket{by}{', value' if unique else ''}",
        fresh.params,
    )


def _coarser(spec: MetricSpec, source: str, bucket: str, columns: Sequence[str], hours: _Hours) -> str:
    by = "".join(f", {column}" for column in columns)
    if spec.aggregation is Aggregation.UNIQUE:
        return (
            f"SELECT ref, {bucket} AS bucket{by}, value, sum(events)::bigint AS events"  # noqa: S608
            f" FROM {source} GROUP BY ref, {bucket}{by}, value"
        )
    value = _AGAIN[spec.aggregation]
    each = ""
    for number, (of_hour, events) in enumerate(HOURS if hours is not _Hours.NONE else ()):
        if hours is _Hours.FROM_ROWS:
            within = f"FILTER (WHERE hour = {number})"
            each += f", {value} {within} AS {of_hour}, (sum(events) {within})::bigint AS {events}"
        else:
            each += f", {value.replace('value', of_hour)} AS {of_hour}, sum({events})::bigint AS {events}"
    if hours is _Hours.FROM_ROWS:
        # OFFSET 0: else the hour would be worked out anew for each column.
        hour = "extract(hour FROM bucket AT TIME ZONE 'UTC')::int AS hour"
        source = f"(SELECT *, {hour} FROM {source} OFFSET 0) hourly"  # noqa: S608
    return (
        f"SELECT ref, {bucket} AS bucket{by}, {value} AS value, sum(events)::bigint AS events{each}"  # noqa: S608
        f" FROM {source} GROUP BY ref, {bucket}{by}"
    )


def _insert(aggregation: Aggregation) -> str:
    """INSERT … for partials of `body`. Rows go in in the order of their key: fewer pages touched, none twice."""
    order = " FROM ({body}) partial ORDER BY series, ref, grain, bucket ON CONFLICT"
    key = "(series_id, customer_ref, grain, bucket, groups_key)"
    conflict = f"{order} {key} DO UPDATE SET events = r.events + excluded.events"
    select = " SELECT series, ref, grain, bucket, md5(groups::text)::uuid, groups, events"
    if aggregation is Aggregation.LATEST:
        # Exact: an interval's microseconds are whole, and fewer than 2^53.
        instant = "'epoch'::timestamptz + (value[1] * 1000000)::bigint * interval '1 microsecond'"
        newer = "(excluded.latest_at, excluded.latest_arrival) > (r.latest_at, r.latest_arrival)"
        chosen = ", ".join(
            f"{name} = CASE WHEN {newer} THEN excluded.{name} ELSE r.{name} END"
            for name in ("value", "latest_at", "latest_arrival")
        )
        head = f"{_HEAD}, latest_at, latest_arrival)"
        return f"{head}{select}, value[3], {instant}, value[2]::bigint{conflict}, {chosen}"
    names = ", ".join(name for pair in HOURS for name in pair)
    hours = ", ".join(
        f"{value} = {_STORED_HOUR[aggregation].format(value)}, {events} = {_ADDED.format(events)}"
        for value, events in HOURS
    )
    return f"{_HEAD}, {names}){select}, value, {names}{conflict}, value = {_STORED[aggregation]}, {hours}"


_HEAD = "INSERT INTO usage_rollup AS r (series_id, customer_ref, grain, bucket, groups_key, groups, events, value"
_ADDED = "coalesce(r.{0} + excluded.{0}, r.{0}, excluded.{0})"
_STORED_HOUR = {
    Aggregation.COUNT: _ADDED,
    Aggregation.SUM: _ADDED,
    Aggregation.MAX: "greatest(r.{0}, excluded.{0})",
}
_INSERT_VALUES = (
    "INSERT INTO usage_rollupvalue AS r"
    " (series_id, customer_ref, grain, bucket, groups_key, value_key, groups, events, value)"
    " SELECT series, ref, grain, bucket, md5(groups::text)::uuid, md5(value)::uuid, groups, events, value"
    " FROM ({body}) partial ORDER BY series, ref, grain, bucket"
    " ON CONFLICT (series_id, customer_ref, grain, bucket, groups_key, value_key) DO UPDATE"
    " SET events = r.events + excluded.events"
)
