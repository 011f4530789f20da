"""Events into rollups, as SQL: one pass over the new events for all series that count by the same rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.usage import Aggregation, MetricSpec
from usage.store.postgres.counting import PROPERTY, Fragment, filters_of, text_of, together, valued
from usage.store.postgres.models import HOURS

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
    """A series to fold into: its id and its keys."""

    id: int
    keys: tuple[str, ...]


def fold(spec: MetricSpec, targets: Sequence[Target], lower: int, upper: int) -> Fragment:
    """The statement that adds the events with `lower <= xact < upper` to the targets' rollups by the rules `spec`."""
    keys = sorted({key for target in targets for key in target.keys})
    base = _base(spec, keys, lower, upper)
    heads, parts = [Fragment(f"base AS MATERIALIZED ({base.sql})", base.params)], []
    for number, target in enumerate(targets):
        groups = ", ".join(f"g{keys.index(key)}" for key in target.keys)
        source, array = "base", f"ARRAY[{groups}]::text[]"
        for grain, bucket in _grains(spec.aggregation):
            name = f"{grain}{number}"
            hours = grain == "D" and _has_hours(spec.aggregation)
            heads.append(Fragment(f"{name} AS MATERIALIZED ({_coarser(spec, source, bucket, array, hours=hours)})"))
            columns = "ref, bucket, groups, value, events"
            if _has_hours(spec.aggregation):
                columns += "".join(f", {hour if hours else 'NULL'}" for pair in HOURS for hour in pair)
            parts.append(Fragment(f"SELECT {target.id} AS series, '{grain}' AS grain, {columns} FROM {name}"))  # noqa: S608
            source, array = name, "groups"
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


def _coarser(spec: MetricSpec, source: str, bucket: str, groups: str, *, hours: bool) -> str:
    if spec.aggregation is Aggregation.UNIQUE:
        return (
            f"SELECT ref, {bucket} AS bucket, {groups} AS groups, value, sum(events)::bigint AS events"  # noqa: S608
            f" FROM {source} GROUP BY 1, 2, 3, 4"
        )
    value = _AGAIN[spec.aggregation]
    each = ""
    if hours:
        for number, (of_hour, events) in enumerate(HOURS):
            within = f"FILTER (WHERE hour = {number})"
            each += f", {value} {within} AS {of_hour}, (sum(events) {within})::bigint AS {events}"
        # OFFSET 0: else the hour would be worked out anew for each column.
        hour = "extract(hour FROM bucket AT TIME ZONE 'UTC')::int AS hour"
        source = f"(SELECT *, {hour} FROM {source} OFFSET 0) hourly"  # noqa: S608
    return (
        f"SELECT ref, {bucket} AS bucket, {groups} AS groups, {value} AS value, sum(events)::bigint AS events{each}"  # noqa: S608
        f" FROM {source} GROUP BY 1, 2, 3"
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
