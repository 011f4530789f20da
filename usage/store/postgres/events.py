"""Reads of single events. Each ref is walked by itself, in order of time, so that a page costs a page."""

from collections.abc import Sequence

from usage.store.base import Position, UsageQuery
from usage.store.postgres.keys import event_key
from usage.store.postgres.query_sql import Fragment, counting_condition, text_of, together, value_of

COLUMNS = "e.arrival, e.transaction_id, e.customer_ref, e.event_type, e.timestamp, e.properties::text, e.received_at"


def source_events_of(refs: Sequence[str], query: UsageQuery, limit: int, after: Position | None) -> Fragment:
    """The counting events of the query, and what each brings as text, in order of time."""
    text, value = text_of(query.spec), value_of(query.spec, "text")
    beyond = [] if after is None else [Fragment("(e.timestamp, e.arrival) > (%s::timestamptz, %s)", list(after))]
    where = together([*counting_condition(query), *beyond], " AND ")
    each = [
        Fragment(
            f"(SELECT {COLUMNS}, e.value FROM (SELECT e.*, ({value.sql})::text AS value FROM ("  # noqa: S608
            f"SELECT e.*, {text.sql} AS text FROM usage_usageevent e WHERE e.customer_ref = %s AND {where.sql}"
            ") e) e WHERE e.value IS NOT NULL ORDER BY e.timestamp, e.arrival LIMIT %s)",
            [*value.params, *text.params, ref, *where.params, limit],
        )
        for ref in refs
    ]
    pages = together(each, " UNION ALL ")
    earliest = "ORDER BY timestamp, arrival LIMIT %s"
    return Fragment(f"SELECT * FROM ({pages.sql}) p {earliest}", [*pages.params, limit])  # noqa: S608


def newest_of(refs: Sequence[str], limit: int) -> Fragment:
    """The newest events of the refs by timestamp."""
    each = [
        Fragment(
            f"(SELECT {COLUMNS} FROM usage_usageevent e WHERE e.customer_ref = %s"  # noqa: S608
            " ORDER BY e.timestamp DESC, e.arrival DESC LIMIT %s)",
            [ref, limit],
        )
        for ref in refs
    ]
    pages = together(each, " UNION ALL ")
    latest = "ORDER BY timestamp DESC, arrival DESC LIMIT %s"
    return Fragment(f"SELECT * FROM ({pages.sql}) p {latest}", [*pages.params, limit])  # noqa: S608


def events_with(transaction_ids: Sequence[str]) -> Fragment:
    """The events of these ids, by way of their keys: a key knows the transaction that stored it and its event."""
    return Fragment(
        f"SELECT {COLUMNS} FROM (SELECT DISTINCT xact FROM usage_eventkey WHERE key = ANY(%s::uuid[])) k"  # noqa: S608
        " JOIN usage_usageevent e ON e.xact = k.xact AND e.transaction_id = ANY(%s::text[]) ORDER BY e.arrival",
        [[event_key(text) for text in transaction_ids], list(transaction_ids)],
    )
