"""The PostgreSQL event store: events, their keys and rollups; a read is a statement or two, however much there is."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from engine.usage import Aggregation, MetricSpec, Partial, UsageRow, group_order, rows_from_partials
from usage.store.base import (
    EventPage,
    IngestMinutes,
    IngestTotals,
    Position,
    RefusedEvent,
    RollupLag,
    RollupSpec,
    SeriesProgress,
    StoredEvent,
    StoreHealth,
    UnmatchedEvent,
    UnmatchedQuery,
    UsageQuery,
)
from usage.store.postgres import ingest_totals, retention, rollup_worker, stats
from usage.store.postgres.aggregate_sql import read
from usage.store.postgres.event_appender import EventAppender
from usage.store.postgres.events import events_with, newest_of, source_events_of
from usage.store.postgres.keys import event_key
from usage.store.postgres.partitions import month_of
from usage.store.postgres.query_sql import Fragment


class PostgresStore(EventAppender):
    """`usage.store.base.UsageStore` on Django's default database connection."""

    def aggregate(self, refs: Sequence[str], query: UsageQuery) -> tuple[UsageRow, ...]:
        """See UsageStore. Two statements."""
        [rows] = self.aggregate_each(refs, [query])
        return rows

    def aggregate_each(self, refs: Sequence[str], queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
        """See UsageStore. Two statements."""
        asked = [query for query in queries if query.windows] if refs else []
        if not asked:
            return [()] * len(queries)
        with connection.cursor() as cursor:
            answers = iter(read(cursor, refs, asked))
        return [_rows(next(answers), query) if query.windows else () for query in queries]

    def ensure_rollup(self, rollups: Sequence[RollupSpec], now: datetime) -> int:
        """See UsageStore."""
        return rollup_worker.ensure_rollup(rollups, now)

    def drop_rollup(self, rollups: Sequence[RollupSpec]) -> None:
        """See UsageStore."""
        rollup_worker.drop_rollup(rollups)

    def roll(self, now: datetime, patience: timedelta = timedelta(0)) -> int:
        """See UsageStore."""
        return rollup_worker.roll(now, patience)

    def progress(self) -> list[SeriesProgress]:
        """See UsageStore."""
        with connection.cursor() as cursor:
            return rollup_worker.progress(cursor)

    def source_events(
        self, refs: Sequence[str], query: UsageQuery, limit: int, after: Position | None = None
    ) -> EventPage:
        """See UsageStore."""
        if not query.windows or not refs:
            return EventPage((), None)
        statement = source_events_of(refs, query, limit + 1, after)
        rows = self._events(statement, has_value=query.spec.aggregation is not Aggregation.COUNT)
        page = rows[:limit]
        return EventPage(page, page[-1].position if len(rows) > limit else None)

    def search(self, transaction_ids: Sequence[str]) -> tuple[StoredEvent, ...]:
        """See UsageStore."""
        return self._events(events_with(transaction_ids))

    def known(self, transaction_ids: Sequence[str]) -> frozenset[str]:
        """See UsageStore."""
        by_key = {event_key(name): name for name in transaction_ids}
        with connection.cursor() as cursor:
            cursor.execute("SELECT key FROM usage_eventkey WHERE key = ANY(%s)", [list(by_key)])
            return frozenset(by_key[key] for (key,) in cursor.fetchall())

    def recent(self, refs: Sequence[str], limit: int) -> tuple[StoredEvent, ...]:
        """See UsageStore."""
        return self._events(newest_of(refs, limit)) if refs else ()

    def _events(self, statement: Fragment, *, has_value: bool = False) -> tuple[StoredEvent, ...]:
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.params)
            return tuple(_stored(row, row[7] if has_value else None) for row in cursor.fetchall())

    def conflicts(self, limit: int, after: tuple[datetime, str] | None = None) -> tuple[RefusedEvent, ...]:
        """See UsageStore."""
        beyond = "" if after is None else " WHERE (last_seen_at, transaction_id) < (%s::timestamptz, %s)"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT transaction_id, first_seen_at, last_seen_at, times, content::text FROM usage_eventconflict"  # noqa: S608
                f"{beyond} ORDER BY last_seen_at DESC, transaction_id DESC LIMIT %s",
                [*(after or ()), limit],
            )
            return tuple(
                RefusedEvent(name, first, last, times, _exact(content))
                for name, first, last, times, content in cursor.fetchall()
            )

    def conflicting(self, transaction_ids: Sequence[str]) -> frozenset[str]:
        """See UsageStore."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT transaction_id FROM usage_eventconflict WHERE transaction_id = ANY(%s::text[])",
                [list(transaction_ids)],
            )
            return frozenset(text for (text,) in cursor.fetchall())

    def ingest_totals(self, start: datetime, end: datetime, specs: Sequence[MetricSpec]) -> IngestTotals:
        """See UsageStore. One statement."""
        with connection.cursor() as cursor:
            return ingest_totals.read_totals(cursor, start, end, specs)

    def unmatched(self, query: UnmatchedQuery, limit: int, after: int = 0) -> tuple[UnmatchedEvent, ...]:
        """See UsageStore."""
        with connection.cursor() as cursor:
            rows = ingest_totals.list_unbilled(cursor, query, limit, after)
        return tuple(UnmatchedEvent(_stored(row, None), reason) for reason, row in rows)

    def prepare(self, now: datetime) -> int:
        """See UsageStore. A partition for each month; one that cannot be had now is tried again next time."""
        with connection.cursor() as cursor:
            missing = retention.missing_months(cursor, now)
            for month in missing:
                with transaction.atomic(durable=True):
                    retention.make_month(cursor, month)
        return len(missing)

    def drop_before(self, before: datetime) -> tuple[datetime, ...]:
        """See UsageStore. One transaction for each month."""
        dropped = []
        with connection.cursor() as cursor:
            for month in retention.ended_months(cursor, before):
                with transaction.atomic(durable=True):
                    if retention.drop_month(cursor, month):
                        dropped.append(month)
            with transaction.atomic(durable=True):
                retention.drop_strays(cursor, month_of(before))
        return tuple(dropped)

    def count(self, refs: Sequence[str] | None = None) -> int:
        """See UsageStore."""
        with connection.cursor() as cursor:
            where = "" if refs is None else " WHERE customer_ref = ANY(%s::text[])"
            cursor.execute(f"SELECT count(*) FROM usage_usageevent{where}", [] if refs is None else [list(refs)])  # noqa: S608
            return int(cursor.fetchone()[0])

    def health(self, now: datetime) -> StoreHealth:
        """See UsageStore."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT sum(greatest(c.reltuples, 0))::bigint FROM pg_inherits i JOIN pg_class c"
                " ON c.oid = i.inhrelid WHERE i.inhparent = 'usage_usageevent'::regclass),"
                " (SELECT coalesce(sum(accepted), 0)::bigint FROM usage_ingestminute WHERE minute BETWEEN %s AND %s),"
                " (SELECT coalesce(sum(accepted), 0)::bigint FROM usage_ingestminute WHERE minute BETWEEN %s AND %s),"
                " (SELECT received_at FROM usage_usageevent ORDER BY xact DESC LIMIT 1),"
                " current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off'",
                [now - timedelta(minutes=1), now, now - timedelta(hours=1), now],
            )
            return StoreHealth(*cursor.fetchone())

    def minutes(self, start: datetime, end: datetime) -> tuple[IngestMinutes, ...]:
        """See UsageStore."""
        with connection.cursor() as cursor:
            return stats.minutes(cursor, start, end)

    def lag(self) -> RollupLag | None:
        """See UsageStore. Counts up to a bound."""
        with connection.cursor() as cursor:
            return stats.lag(cursor)


def _rows(partials: Sequence[Partial], query: UsageQuery) -> tuple[UsageRow, ...]:
    if not query.independent:
        return tuple(rows_from_partials(query.spec.aggregation, partials, query.windows))
    ordered = sorted(partials, key=lambda p: (group_order(p.group), p.window_index))
    return tuple(UsageRow(query.windows[p.window_index], p.group, p.value, p.event_count) for p in ordered)


def _stored(row: Sequence[Any], value: str | None) -> StoredEvent:
    arrival, transaction_id, ref, event_type, timestamp, properties, received_at = row[:7]
    return StoredEvent(arrival, transaction_id, ref, event_type, timestamp, _exact(properties), received_at, value)


def _exact(text: str) -> Any:
    """jsonb's text with its numbers kept exact; it was checked when it came in."""
    return json.loads(text, parse_float=Decimal)
