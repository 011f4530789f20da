"""The writing half of the PostgreSQL store: on the caller's connection, or through the process's shared writer."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from django.db import OperationalError, connection

from core.transactions import use_case
from usage.store.base import AppendResult, NewEvent
from usage.store.columns import EventColumns, columns_of
from usage.store.postgres.copy_rows import Rows, rows_of
from usage.store.postgres.ingest_sql import Repeated, count_statement, write_checked
from usage.store.postgres.ingest_writer import PATIENCE, TOO_LATE, ingest_writer

_ATTEMPTS = 6


class EventAppender:
    """See `usage.store.base.UsageStore` for what is promised."""

    def __init__(self) -> None:
        self.writer = ingest_writer()

    def append(self, events: Sequence[NewEvent], received_at: datetime) -> AppendResult:
        """See UsageStore. Serialization failures and deadlocks are tried again.

        Losing the server raises OperationalError; the batch may then be stored or not: send it again.
        """
        repeated = set(self.append_columns(columns_of(events), received_at))
        accepted = [event.transaction_id for place, event in enumerate(events) if place not in repeated]
        return AppendResult(tuple(accepted), tuple(events[place].transaction_id for place in sorted(repeated)))

    def append_columns(self, columns: EventColumns, received_at: datetime, *, shared: bool = False) -> Repeated:
        """See UsageStore."""
        if not len(columns):
            return ()
        rows = rows_of(columns, received_at)
        if not shared:
            return self._append_here(rows)
        pending = self.writer.submit(rows)
        with connection.wrap_database_errors:
            return pending.wait(PATIENCE, TOO_LATE)

    def count_rejected(self, number: int, received_at: datetime) -> None:
        """See UsageStore."""
        statement = count_statement(rejected=Counter({received_at: number}))
        with use_case(), connection.cursor() as cursor:
            cursor.execute(statement)

    def _append_here(self, rows: Rows) -> Repeated:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with use_case(), connection.wrap_database_errors:
                    connection.ensure_connection()
                    return write_checked(_psycopg_connection(), [rows])[0]
            except OperationalError as error:
                if attempt == _ATTEMPTS or not _worth_repeating(error):
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads the retries, hides nothing
        raise AssertionError("unreachable")


def _psycopg_connection() -> psycopg.Connection[Any]:
    found = connection.connection
    assert isinstance(found, psycopg.Connection)  # noqa: S101 - PostgreSQL is the only database
    return found


def _worth_repeating(error: OperationalError) -> bool:
    return isinstance(error.__cause__, psycopg.errors.SerializationFailure | psycopg.errors.DeadlockDetected)
