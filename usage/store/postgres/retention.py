"""How long events are kept: partitions made ahead, and dropped as a whole once nobody needs them."""

from datetime import datetime, timedelta
from typing import Any, Final

from usage.store.postgres.partitions import DEFAULT, TABLE, add_month, list_months, months_from, name_of, next_month

BEHIND: Final = timedelta(days=35)
AHEAD: Final = timedelta(days=62)
# A waiting ALTER TABLE makes every later reader wait behind it: better to come back another time.
PATIENCE: Final = "SET LOCAL lock_timeout = '2s'"

_COUNT_DROPPED = """
INSERT INTO usage_ingestminute AS m (minute, shard, accepted, duplicates, conflicts, rejected, dropped)
SELECT date_trunc('minute', received_at, 'UTC'), 0, 0, 0, 0, 0, count(*) FROM {table} {where} GROUP BY 1
ON CONFLICT (minute, shard) DO UPDATE SET dropped = m.dropped + excluded.dropped
"""


def missing_months(cursor: Any, now: datetime) -> list[datetime]:
    """The months around `now` that have no partition yet."""
    there = set(list_months(cursor))
    return [month for month in months_from(now - BEHIND, now + AHEAD) if month not in there]


def make_month(cursor: Any, month: datetime) -> None:
    """Creates one. Raises OperationalError where others hold the table for too long."""
    cursor.execute(PATIENCE)
    add_month(cursor, month)


def ended_months(cursor: Any, before: datetime) -> list[datetime]:
    """The partitions whose whole month lies before `before`."""
    return [month for month in list_months(cursor) if next_month(month) <= before]


def drop_month(cursor: Any, month: datetime) -> bool:
    """Drops a month's events, counted; False where the rollups do not hold all of them yet."""
    cursor.execute(PATIENCE)
    name = name_of(month)
    cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
    if not _all_rolled(cursor, name, "", []):
        return False
    cursor.execute(_COUNT_DROPPED.format(table=name, where=""))
    cursor.execute(f"DROP TABLE {name}")
    return True


def drop_strays(cursor: Any, before: datetime) -> int:
    """Deletes what the default partition holds from before `before`; returns how many events."""
    where = "WHERE timestamp < %s::timestamptz"
    if not _all_rolled(cursor, DEFAULT, where, [before]):
        return 0
    cursor.execute(_COUNT_DROPPED.format(table=DEFAULT, where=where), [before])
    cursor.execute(f"DELETE FROM {DEFAULT} {where}", [before])  # noqa: S608
    return int(cursor.rowcount)


def _all_rolled(cursor: Any, table: str, where: str, params: list[Any]) -> bool:
    horizon = "SELECT min(horizon) FROM usage_rollupseries"
    cursor.execute(f"SELECT coalesce((SELECT max(xact) FROM {table} {where}) < ({horizon}), true)", params)  # noqa: S608
    return bool(cursor.fetchone()[0])
