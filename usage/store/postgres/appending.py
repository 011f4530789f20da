"""The writing half of the PostgreSQL store: on the caller's connection, or through the process's shared writer."""

import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from django.db import OperationalError, connection

from core.postgres.connections import connect as connect_as
from core.transactions import use_case
from usage.store.base import AppendResult, NewEvent
from usage.store.columns import EventColumns, columns_of
from usage.store.postgres.flusher import Flusher
from usage.store.postgres.rows import Rows, rows_of
from usage.store.postgres.writing import Repeated, count_statement, write_checked

_ATTEMPTS = 6


class Appending:
    """See `usage.store.base.UsageStore` for what is promised."""

    def __init__(self) -> None:
        self._flusher: tuple[int, Flusher] | None = None

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
        ticket = self._shared_flusher().submit(rows)
        with connection.wrap_database_errors:
            return ticket.wait()

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

    def _shared_flusher(self) -> Flusher:
        """This process's own: threads do not survive a fork."""
        if self._flusher is None or self._flusher[0] != os.getpid():
            self._flusher = (os.getpid(), Flusher(connect))
        return self._flusher[1]


def connect() -> psycopg.Connection[Any]:
    """The shared writer's connection. Raises psycopg.OperationalError."""
    return connect_as("tactus-ingest")


def _psycopg_connection() -> psycopg.Connection[Any]:
    found = connection.connection
    assert isinstance(found, psycopg.Connection)  # noqa: S101 - PostgreSQL is the only database
    return found


def _worth_repeating(error: OperationalError) -> bool:
    return isinstance(error.__cause__, psycopg.errors.SerializationFailure | psycopg.errors.DeadlockDetected)
