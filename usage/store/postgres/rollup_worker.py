"""The rollup worker (process `roller`): goes behind the writers and adds their events to the rollups in big steps.

A step takes the events that transactions below the new horizon wrote: transactions below `pg_snapshot_xmin` have ended,
so none of them can bring an event later. Rollups and horizon move in one commit, so a step that dies changes nothing,
and filling a new series from history is the same step, begun at 0.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from core.exact_json import dumps
from core.patience import limit_waits
from engine.usage import MetricSpec
from usage.store.base import RollupSpec, SeriesProgress
from usage.store.postgres.rollup_sql import Target, rollup_statement
from usage.store.postgres.rules import fingerprint, rules_of, spec_of

STEP: Final = 200_000
"""Events of one step, more only where one transaction wrote more."""
STEPS_A_TURN: Final = 50
TURN_SECONDS: Final = 5
"""What came in since a turn began waits for the next one, also while long history is added up."""
LOCK: Final = 7_226_001

_OPEN = """
SELECT horizon, is_ready, array_agg(id ORDER BY id) FROM usage_rollupseries
WHERE horizon < %(limit)s
    AND (NOT is_ready OR rolled_at IS NULL OR rolled_at <= %(now)s - %(patience)s OR rolled_at > %(now)s)
GROUP BY 1, 2 ORDER BY is_ready DESC, horizon DESC
"""
# The first so many events of the range: how many there are, and the transaction that the last of them belongs to.
_EDGE = """
SELECT count(*), max(xact) FROM
    (SELECT xact FROM usage_usageevent WHERE xact >= %s AND xact < %s ORDER BY xact LIMIT %s) first
"""


def ensure_rollup(rollups: Sequence[RollupSpec], now: datetime) -> int:
    """Creates the series that are missing; returns how many."""
    wanted = {
        (fingerprint(rollup.spec), tuple(sorted(keys))): rollup.spec
        for rollup in rollups
        for keys in ((), *rollup.group_keys)
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT fingerprint, keys FROM usage_rollupseries")
        there = {(name, tuple(keys)) for name, keys in cursor.fetchall()}
        missing = sorted(wanted.keys() - there)
    if not missing:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        limit_waits()
        cursor.execute(
            "INSERT INTO usage_rollupseries"
            " (fingerprint, rules, keys, horizon, is_ready, counted_to, target, created_at)"
            " SELECT n.fingerprint, n.rules::jsonb, ARRAY(SELECT jsonb_array_elements_text(n.keys::jsonb)),"
            " 0, false, 0, (SELECT coalesce(sum(accepted), 0) FROM usage_ingestminute), %s::timestamptz"
            " FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS n (fingerprint, rules, keys)"
            " ON CONFLICT (fingerprint, keys) DO NOTHING",
            [
                now,
                [name for name, _ in missing],
                [dumps(rules_of(wanted[key])).decode() for key in missing],
                [dumps(list(keys)).decode() for _, keys in missing],
            ],
        )
    return len(missing)


def drop_rollup(rollups: Sequence[RollupSpec]) -> None:
    """Drops the series of these rules with their rollups."""
    with transaction.atomic(), connection.cursor() as cursor:
        names = [fingerprint(rollup.spec) for rollup in rollups]
        cursor.execute("DELETE FROM usage_rollupseries WHERE fingerprint = ANY(%s::uuid[]) RETURNING id", [names])
        ids = [pk for (pk,) in cursor.fetchall()]
        for table in ("usage_rollup", "usage_rollupvalue"):
            cursor.execute(f"DELETE FROM {table} WHERE series_id = ANY(%s::int[])", [ids])  # noqa: S608


def roll(now: datetime, patience: timedelta = timedelta(0)) -> int:
    """A turn of steps, series that readers use first; returns how many events they took.

    Series rolled less than `patience` before `now` wait: most of a step's cost are the rows that it changes, and a
    bigger step changes fewer of them for each event. 0: there is nothing to do, or somebody else is at it.
    """
    done = 0
    limit: int | None = None
    end = monotonic() + TURN_SECONDS
    for _ in range(STEPS_A_TURN):
        if monotonic() > end:
            break
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            # A transaction's events are taken together, however many; sorting them on disk costs more than it saves.
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB'")
            limit_waits()
            if not _is_alone(cursor):
                break
            if _moved(cursor):
                _start_over(cursor)
                limit = None
                continue
            # The same for all steps, so that series come to stand at one horizon and share their scans.
            limit = limit or _limit(cursor)
            taken = _step(cursor, now, patience, limit)
        if taken is None:
            break
        done += taken
        if taken >= STEP:
            patience = timedelta(0)  # there is more that has waited
    return done


def _is_alone(cursor: Any) -> bool:
    """Whether nobody else is at it; and nobody will be until this transaction ends."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
    return bool(cursor.fetchone()[0])


def _limit(cursor: Any) -> int:
    """The transactions below it have ended."""
    cursor.execute("SELECT usage_xact(pg_snapshot_xmin(pg_current_snapshot()))")
    return int(cursor.fetchone()[0])


def _step(cursor: Any, now: datetime, patience: timedelta, limit: int) -> int | None:
    """One step of the series that are furthest; None where there is nothing left to do."""
    cursor.execute(_OPEN, {"limit": limit, "now": now, "patience": patience})
    for horizon, is_ready, ids in cursor.fetchall():
        cursor.execute(_EDGE, [horizon, limit, STEP])
        count, last = cursor.fetchone()
        if count == 0 and is_ready:
            continue  # an idle turn writes nothing
        caught_up = count < STEP
        upper = limit if caught_up else last + 1
        if not caught_up:
            cursor.execute("SELECT count(*) FROM usage_usageevent WHERE xact >= %s AND xact < %s", [horizon, upper])
            [count] = cursor.fetchone()
        for spec, targets in _targets(cursor, ids):
            statement = rollup_statement(spec, targets, horizon, upper)
            cursor.execute(statement.sql, statement.params)
        cursor.execute(
            "UPDATE usage_rollupseries SET horizon = %s, is_ready = is_ready OR %s, counted_to = counted_to + %s,"
            " rolled_at = %s WHERE id = ANY(%s::int[])",
            [upper, caught_up, count, now, ids],
        )
        return int(count)
    return None


def _moved(cursor: Any) -> bool:
    """Whether the data came from another server: transactions are numbered lower here than those already rolled."""
    cursor.execute(
        "SELECT coalesce((SELECT max(horizon) FROM usage_rollupseries) > usage_xact(pg_snapshot_xmax(s)), false)"
        " FROM pg_current_snapshot() s"
    )
    return bool(cursor.fetchone()[0])


def _start_over(cursor: Any) -> None:
    """Raises the scale of `usage_xact()` above all numbers in use, and begins every series anew.

    Writers are waited for, so that no number of the old scale comes in after this.
    """
    cursor.execute("LOCK TABLE usage_eventkey, usage_usageevent IN SHARE MODE")
    cursor.execute(
        "SELECT greatest((SELECT max(horizon) FROM usage_rollupseries), (SELECT max(xact) FROM usage_usageevent))"
    )
    [highest] = cursor.fetchone()
    cursor.execute(
        "CREATE OR REPLACE FUNCTION usage_xact(xid8) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        f" AS 'SELECT $1::text::bigint + {int(highest)}'"
    )
    cursor.execute("DELETE FROM usage_rollup")
    cursor.execute("DELETE FROM usage_rollupvalue")
    cursor.execute(
        "UPDATE usage_rollupseries SET id = nextval(pg_get_serial_sequence('usage_rollupseries', 'id')), horizon = 0,"
        " is_ready = false, counted_to = 0, target = (SELECT coalesce(sum(accepted), 0) FROM usage_ingestminute)"
    )


def _targets(cursor: Any, ids: Sequence[int]) -> list[tuple[MetricSpec, list[Target]]]:
    cursor.execute(
        "SELECT fingerprint, rules::text, id, keys FROM usage_rollupseries WHERE id = ANY(%s::int[]) ORDER BY id", [ids]
    )
    found: dict[UUID, tuple[MetricSpec, list[Target]]] = {}
    for name, rules, pk, keys in cursor.fetchall():
        found.setdefault(name, (spec_of(json.loads(rules)), []))[1].append(Target(pk, tuple(keys)))
    return list(found.values())


def progress(cursor: Any) -> list[SeriesProgress]:
    """Each series and how far it is."""
    cursor.execute(
        "SELECT rules::text, keys, is_ready, counted_to, greatest(target, counted_to), created_at, rolled_at"
        " FROM usage_rollupseries ORDER BY id"
    )
    return [
        SeriesProgress(spec_of(json.loads(rules)), tuple(keys), ready, done, total, created_at, rolled_at)
        for rules, keys, ready, done, total, created_at, rolled_at in cursor.fetchall()
    ]
