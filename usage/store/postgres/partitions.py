"""Monthly partitions of the events table. The default one takes what has no month: nothing is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

TABLE = "usage_usageevent"
DEFAULT = "usage_usageevent_default"


def month_of(instant: datetime) -> datetime:
    """The UTC month's first instant."""
    return instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def months_from(first: datetime, last: datetime) -> Iterator[datetime]:
    """The months from that of `first` to that of `last`, both included."""
    month = month_of(first)
    while month <= last:
        yield month
        month = next_month(month)


def next_month(month: datetime) -> datetime:
    """The first instant of the month after."""
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def name_of(month: datetime) -> str:
    """The name of a month's partition."""
    return f"{TABLE}_{month:%Y%m}"


def list_months(cursor: Any) -> list[datetime]:
    """The months that have a partition, in order."""
    cursor.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = %s::regclass ORDER BY 1",
        [TABLE],
    )
    names = [name for (name,) in cursor.fetchall() if name != DEFAULT]
    return [datetime.strptime(name.rpartition("_")[2], "%Y%m").replace(tzinfo=UTC) for name in names]


def add_month(cursor: Any, month: datetime) -> None:
    """Creates a month's partition and moves the events there that the default partition holds for it.

    Runs inside the caller's transaction, which locks writers out while there is something to move.
    """
    following, name = next_month(month), name_of(month)
    bounds = f"FROM ('{month:%Y-%m-%d} 00:00:00+00') TO ('{following:%Y-%m-%d} 00:00:00+00')"
    cursor.execute(f"LOCK TABLE {TABLE} IN SHARE UPDATE EXCLUSIVE MODE")
    cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    cursor.execute(f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE")
    cursor.execute(
        f"WITH moved AS (DELETE FROM {DEFAULT} WHERE timestamp >= %s AND timestamp < %s RETURNING *)"  # noqa: S608
        f" INSERT INTO {name} SELECT * FROM moved ORDER BY arrival",
        [month, following],
    )
    cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES {bounds}")
