"""Counters for whoever watches: what came in by minute, and how far the rollup worker is behind."""

from datetime import datetime
from typing import Any, Final

from usage.store.base import IngestMinutes, RollupLag

MOST_COUNTED: Final = 100_000

_TAIL = """
SELECT count(*), min(received_at) FROM (
    SELECT received_at FROM usage_usageevent WHERE xact >= %s ORDER BY xact LIMIT %s
) waiting
"""


def minutes(cursor: Any, start: datetime, end: datetime) -> tuple[IngestMinutes, ...]:
    """The counters of the minutes that begin in `[start, end]`."""
    cursor.execute(
        "SELECT minute, sum(accepted)::bigint, sum(duplicates)::bigint, sum(conflicts)::bigint, sum(rejected)::bigint"
        " FROM usage_ingestminute WHERE minute BETWEEN %s::timestamptz AND %s::timestamptz GROUP BY 1 ORDER BY 1",
        [start, end],
    )
    return tuple(IngestMinutes(*row) for row in cursor.fetchall())


def lag(cursor: Any) -> RollupLag | None:
    """The events that no rollup of a ready series holds yet, counted up to a bound; None without such a series."""
    cursor.execute("SELECT min(horizon) FROM usage_rollupseries WHERE is_ready")
    [horizon] = cursor.fetchone()
    if horizon is None:
        return None
    cursor.execute(_TAIL, [horizon, MOST_COUNTED + 1])
    count, oldest = cursor.fetchone()
    return RollupLag(min(count, MOST_COUNTED), count <= MOST_COUNTED, oldest)
