"""Reads of aggregates: what the rollups hold, up to their horizon, and the raw events beyond it, in one statement.

One statement sees one snapshot: horizon, rollups and events fit together whatever the rollup worker does meanwhile. A
query that no series covers, or whose series is still being filled, is answered from raw events alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.usage import Aggregation, Partial
from usage.store.base import UsageQuery
from usage.store.postgres.models import HOURS
from usage.store.postgres.pieces import Piece, pieces_of
from usage.store.postgres.prepared_statements import run_prepared
from usage.store.postgres.query_sql import (
    Fragment,
    counted,
    counted_from,
    passes,
    together,
    window_of,
)
from usage.store.postgres.rules import fingerprint

MOST_RAGGED = 64
"""Above so many ragged rests, raw events alone are the better source."""
MOST_SPELLED = 12
"""So many pieces are ranges of their own, which the planner sees through; more are joined."""
CHECK = -1
LAST_XACT = 2**63 - 1

TAIL = "SELECT customer_ref, event_type, timestamp, arrival, properties, xact FROM usage_usageevent e WHERE "


@dataclass(frozen=True, slots=True)
class Series:
    """A series that readers may use. `hint`: a horizon that it had; the statement itself takes the one that it has."""

    id: int
    keys: tuple[str, ...]
    hint: int


SERIES = (
    "SELECT fingerprint, id, keys, horizon FROM usage_rollupseries WHERE fingerprint = ANY(%s::uuid[]) AND is_ready"
)


def read(cursor: Any, refs: Sequence[str], queries: Sequence[UsageQuery]) -> list[list[Partial]]:
    """The partials of each query, in two statements; both once more in the rare case that series were made anew."""
    while True:
        plan = _series_for(cursor, queries)
        statement = _statement(refs, queries, plan)
        if _is_lookup(queries, plan):
            run_prepared(cursor, statement)
        else:
            cursor.execute(statement.sql, statement.params)
        found: list[list[Partial]] = [[] for _ in queries]
        there = 0
        for number, window, groups, value, events in cursor.fetchall():
            if number == CHECK:
                there = events
            else:
                found[number].append(Partial(window, tuple(groups), value, events))
        if there == len({series.id for series in plan.values()}):
            return found


def _series_for(cursor: Any, queries: Sequence[UsageQuery]) -> dict[int, Series]:
    """By the query's position: the series with the fewest keys that has all that the query needs."""
    prints = [fingerprint(query.spec) for query in queries]
    cursor.execute(SERIES, [prints])
    ready: dict[UUID, list[Series]] = {}
    for name, pk, keys, horizon in cursor.fetchall():
        ready.setdefault(name, []).append(Series(pk, tuple(keys), horizon))
    found = {}
    for number, (query, name) in enumerate(zip(queries, prints, strict=True)):
        needed = {*query.group_keys, *query.group_filters}
        fitting = [series for series in ready.get(name, []) if needed <= set(series.keys)]
        if fitting and sum(not piece.grain for piece in _pieces(query)) <= MOST_RAGGED:
            found[number] = min(fitting, key=lambda series: (len(series.keys), series.id))
    return found


def _is_lookup(queries: Sequence[UsageQuery], plan: Mapping[int, Series]) -> bool:
    """Whether all is read by whole keys, so that no other values could want another plan."""
    return len(plan) == len(queries) and all(piece.grain for query in queries for piece in _pieces(query))


def _pieces(query: UsageQuery) -> tuple[Piece, ...]:
    """UNIQUE has no rollups by hour: they would be nearly as many as the events."""
    return pieces_of(query.windows, hours=query.spec.aggregation is not Aggregation.UNIQUE)


def _statement(refs: Sequence[str], queries: Sequence[UsageQuery], plan: Mapping[int, Series]) -> Fragment:
    """One SELECT of (query number, window index, groups, value, event count), and a row with the number of series."""
    ids = sorted({series.id for series in plan.values()})
    branches = [
        _branch(number, query, _rolled(refs, query, plan[number]) if number in plan else _raw(refs, query))
        for number, query in enumerate(queries)
    ]
    branches.append(
        Fragment(f"SELECT {CHECK}, 0, '{{}}'::text[], 0::numeric, (SELECT count(*) FROM horizons)")  # noqa: S608
    )
    heads = [
        Fragment(
            "horizons AS MATERIALIZED (SELECT id, horizon FROM usage_rollupseries WHERE id = ANY(%s::int[]))", [ids]
        )
    ]
    if plan:
        heads.append(_tail(refs, min(series.hint for series in plan.values())))
    head, body = together(heads, ", "), together(branches, " UNION ALL ")
    return Fragment(f"WITH {head.sql} {body.sql}", [*head.params, *body.params])


def _tail(refs: Sequence[str], hint: int) -> Fragment:
    """The customer's events beyond the horizon, fetched once for all queries.

    A plan for any horizon knows nothing of how short the tail is. By its collation this asks for
    `usage_event_tail_idx`, not for the customer's whole history; with an end it is taken for a small part of the table
    instead of a third.
    """
    where = Fragment(
        f'e.customer_ref COLLATE "C" = ANY(%s::text[]) AND e.xact >= %s::bigint AND e.xact <= {LAST_XACT}',
        [list(refs), hint],
    )
    return Fragment(f"tail AS MATERIALIZED ({TAIL}{where.sql})", where.params)


def _branch(number: int, query: UsageQuery, source: Fragment) -> Fragment:
    """The partials of `source`: rows of w, g0…, events, value and, for LATEST, timestamp and arrival."""
    names = [f"g{i}" for i in range(len(query.group_keys))]
    groups = f"ARRAY[{', '.join(names)}]::text[]"
    by = "".join(f", {name}" for name in names)
    if query.spec.aggregation is not Aggregation.UNIQUE:
        values = {
            Aggregation.COUNT: "sum(events)",
            Aggregation.SUM: "sum(value)",
            Aggregation.MAX: "max(value)",
            # The greatest (timestamp, arrival, value), without sorting or collecting: arrays compare item by item.
            Aggregation.LATEST: "(max(ARRAY[extract(epoch FROM timestamp), arrival::numeric, value]))[3]",
        }
        return Fragment(
            f"SELECT {number}, w, {groups}, ({values[query.spec.aggregation]})::numeric, sum(events)::bigint"  # noqa: S608
            f" FROM ({source.sql}) counted WHERE value IS NOT NULL GROUP BY w{by}",
            source.params,
        )
    new, first = "count(*)", ""
    if len(query.windows) > 1 and not query.independent:
        new = "count(*) FILTER (WHERE w = first)"
        first = f", min(w) OVER (PARTITION BY {', '.join([*names, 'value'])}) AS first"
    return Fragment(
        f"SELECT {number}, w, {groups}, ({new})::numeric, sum(events)::bigint FROM ("  # noqa: S608
        f"SELECT w{by}, value, sum(events) AS events{first}"
        f" FROM ({source.sql}) counted WHERE value IS NOT NULL GROUP BY w{by}, value"
        f") per_value GROUP BY w{by}",
        source.params,
    )


def _raw(refs: Sequence[str], query: UsageQuery) -> Fragment:
    source = counted(refs, query)
    return Fragment(f"SELECT *, 1 AS events FROM ({source.sql}) raw", source.params)  # noqa: S608


def _rolled(refs: Sequence[str], query: UsageQuery, series: Series) -> Fragment:
    """Rollups of the whole months, days and hours; events beyond the horizon; those before it in the ragged rests."""
    columns = "".join(f", g{i}" for i in range(len(query.group_keys)))
    horizon = "(SELECT horizon FROM horizons WHERE id = %s)"
    pieces = _pieces(query)
    parts = [_tail_part(query, Fragment(f"e.xact >= {horizon}", [series.id]))]
    if whole := [piece for piece in pieces if piece.grain]:
        parts.append(_rollups(refs, query, series, whole))
    if ragged := [piece for piece in pieces if not piece.grain]:
        condition = Fragment(f"e.customer_ref = ANY(%s::text[]) AND e.xact < {horizon}", [list(refs), series.id])
        source = Fragment(
            "unnest(%s::timestamptz[], %s::timestamptz[]) AS rest (start, ending)"
            " JOIN usage_usageevent e ON e.timestamp >= rest.start AND e.timestamp < rest.ending",
            [[piece.start for piece in ragged], [piece.end for piece in ragged]],
        )
        parts.append(_as_part(counted_from(source, condition, query), columns))
    return together(parts, " UNION ALL ")


def _tail_part(query: UsageQuery, condition: Fragment) -> Fragment:
    columns = "".join(f", g{i}" for i in range(len(query.group_keys)))
    return _as_part(counted_from(Fragment("tail e"), condition, query), columns)


def _as_part(source: Fragment, columns: str) -> Fragment:
    return Fragment(
        f"SELECT w{columns}, value, timestamp, arrival, 1::bigint AS events FROM ({source.sql}) raw",  # noqa: S608
        source.params,
    )


def _rollups(refs: Sequence[str], query: UsageQuery, series: Series, pieces: Sequence[Piece]) -> Fragment:
    """What the rollups hold of the pieces: a range of the primary key for each."""
    place = {key: f"r.groups[{position}]" for position, key in enumerate(series.keys, 1)}
    columns = "".join(f", {place[key]} AS g{i}" for i, key in enumerate(query.group_keys))
    owner = Fragment("r.series_id = %s AND r.customer_ref = ANY(%s::text[])", [series.id, list(refs)])
    filters = [passes(Fragment(place[key]), values) for key, values in query.group_filters.items()]
    parts = []
    for table, wanted in _tables(query.spec.aggregation, pieces):
        window = window_of(table.bucket, query.windows)
        for source, given, condition in _ranges(table, wanted):
            where = together([owner, condition, *filters], " AND ")
            parts.append(
                Fragment(
                    f"SELECT {window.sql}{columns}, {table.columns} FROM {source}{table.source} WHERE {where.sql}",  # noqa: S608
                    [*window.params, *given, *where.params],
                )
            )
    return together(parts, " UNION ALL ")


@dataclass(frozen=True, slots=True)
class _Table:
    """Where rollups are read from: FROM item, its bucket, its (value, latest instant, latest arrival, events), and the
    condition that the piece `{grain}`, `{start}`, `{end}` holds it."""

    source: str
    bucket: str
    columns: str
    condition: str


_WITHIN = "r.grain = {grain} AND r.bucket >= {start} AND r.bucket < {end}"
_BUCKETS = _Table("usage_rollup r", "r.bucket", "r.value, r.latest_at, r.latest_arrival, r.events", _WITHIN)
_NO_LATEST = "NULL::timestamptz, NULL::bigint"
_VALUES = _Table("usage_rollupvalue r", "r.bucket", f"r.value, {_NO_LATEST}, r.events", _WITHIN)
_HOUR = "r.bucket + hour.number * interval '1 hour'"
_HOURS = _Table(
    "usage_rollup r CROSS JOIN LATERAL (VALUES "
    + ", ".join(f"({number}, r.{value}, r.{events})" for number, (value, events) in enumerate(HOURS))
    + ") hour (number, value, events)",
    _HOUR,
    f"hour.value, {_NO_LATEST}, hour.events",
    f"r.grain = 'D' AND r.bucket > {{start}} - interval '1 day' AND r.bucket < {{end}} AND hour.events IS NOT NULL"
    f" AND {_HOUR} >= {{start}} AND {_HOUR} < {{end}} AND {{grain}} = 'H'",
)


def _tables(aggregation: Aggregation, pieces: Sequence[Piece]) -> Iterator[tuple[_Table, list[Piece]]]:
    if aggregation is Aggregation.UNIQUE:
        yield _VALUES, list(pieces)
    elif aggregation is Aggregation.LATEST:
        yield _BUCKETS, list(pieces)
    else:
        yield _BUCKETS, [piece for piece in pieces if piece.grain != "H"]
        yield _HOURS, [piece for piece in pieces if piece.grain == "H"]


def _ranges(table: _Table, pieces: Sequence[Piece]) -> Iterator[tuple[str, list[Any], Fragment]]:
    """(FROM items, their parameters, condition): the pieces spelled out, or joined where there are many."""
    names = ("grain", "start", "end")
    if len(pieces) <= MOST_SPELLED:
        marks = {"grain": "%s", "start": "%s::timestamptz", "end": "%s::timestamptz"}
        order = [part.split("}")[0] for part in table.condition.split("{")[1:]]
        for piece in pieces:
            given = [getattr(piece, name) for name in order]
            yield "", [], Fragment(table.condition.format(**marks), given)
        return
    columns = [[getattr(piece, name) for piece in pieces] for name in names]
    source = "unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS piece (grain, start, ending), "
    condition = table.condition.format(grain="piece.grain", start="piece.start", end="piece.ending")
    yield source, columns, Fragment(condition)
