"""What became of the events of a stretch of time: counted by some rules, or why not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.usage import MetricSpec
from usage.store.base import IngestTotals, RefTotals, UnbilledReason, UnmatchedQuery
from usage.store.postgres.events import COLUMNS
from usage.store.postgres.query_sql import Fragment, filters_of, text_of, together, value_of

_RECEIVED = "e.received_at >= %s::timestamptz AND e.received_at < %s::timestamptz"


def read_totals(cursor: Any, start: datetime, end: datetime, specs: Sequence[MetricSpec]) -> IngestTotals:
    """Counters and counts of one moment, in one statement. Each reason is counted by its own condition."""
    source = _judged(specs, start, end)
    cursor.execute(
        "WITH sent AS (SELECT coalesce(sum(accepted), 0)::bigint, coalesce(sum(duplicates), 0)::bigint,"  # noqa: S608
        " coalesce(sum(conflicts), 0)::bigint, coalesce(sum(rejected), 0)::bigint, coalesce(sum(dropped), 0)::bigint"
        " FROM usage_ingestminute WHERE minute >= %s::timestamptz AND minute < %s::timestamptz)"
        " SELECT NULL, sent.*, NULL FROM sent UNION ALL"
        " SELECT customer_ref, count(*), count(*) FILTER (WHERE counted),"
        " count(*) FILTER (WHERE NOT passed), count(*) FILTER (WHERE passed AND NOT counted), NULL, min(received_at)"
        f" FROM ({source.sql}) e GROUP BY customer_ref",
        [start, end, *source.params],
    )
    (_, accepted, duplicates, conflicts, rejected, dropped, _), *rows = cursor.fetchall()
    refs = [RefTotals(ref, stored, counted, other, bad, first) for ref, stored, counted, other, bad, _, first in rows]
    return IngestTotals(accepted, duplicates, conflicts, rejected, dropped, tuple(refs))


def list_unbilled(
    cursor: Any, query: UnmatchedQuery, limit: int, after: int
) -> list[tuple[UnbilledReason, tuple[Any, ...]]]:
    """The events asked for, in order of arrival, with the reason."""
    source = _judged(query.specs, query.start, query.end)
    cursor.execute(
        f"SELECT reason, {COLUMNS} FROM (SELECT e.*, CASE WHEN customer_ref = ANY(%s::text[]) THEN %s WHEN NOT passed"  # noqa: S608
        f" THEN %s WHEN NOT counted THEN %s END AS reason FROM ({source.sql}) e) e"
        " WHERE reason = ANY(%s::text[]) AND arrival > %s ORDER BY arrival LIMIT %s",
        [
            list(query.unknown_refs),
            *(
                str(reason)
                for reason in (UnbilledReason.NO_CUSTOMER, UnbilledReason.NO_METRIC, UnbilledReason.NO_VALUE)
            ),
            *source.params,
            [str(reason) for reason in query.reasons],
            after,
            limit,
        ],
    )
    return [(UnbilledReason(row[0]), row[1:]) for row in cursor.fetchall()]


def _judged(specs: Sequence[MetricSpec], start: datetime, end: datetime) -> Fragment:
    """The events received in `[start, end)`: `passed` the filters of any rules, `counted` by any."""
    passed = [together([Fragment("true"), *filters_of(spec)], " AND ") for spec in specs]
    counted = []
    for spec, condition in zip(specs, passed, strict=True):
        text = text_of(spec)
        value = value_of(spec, "text")
        counted.append(
            Fragment(
                f"(({condition.sql}) AND (SELECT {value.sql} FROM (SELECT {text.sql} AS text OFFSET 0) v) IS NOT NULL)",  # noqa: S608
                [*condition.params, *value.params, *text.params],
            )
        )
    any_passed = together([Fragment("false"), *(Fragment(f"({p.sql})", p.params) for p in passed)], " OR ")
    any_counted = together([Fragment("false"), *counted], " OR ")
    return Fragment(
        f"SELECT e.*, coalesce({any_passed.sql}, false) AS passed, coalesce({any_counted.sql}, false) AS counted"  # noqa: S608
        f" FROM usage_usageevent e WHERE {_RECEIVED} OFFSET 0",
        [*any_passed.params, *any_counted.params, start, end],
    )
