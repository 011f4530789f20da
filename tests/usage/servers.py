"""What tests of one server must know when they share it: users may give all processes the same (DATABASE_URL)."""

import time
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connection

from usage.store import UsageStore

Store = TypeVar("Store", bound=UsageStore)

OURS = "pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
"""For questions to `pg_locks` and `pg_stat_activity`, which tell of every database on the server."""


def patient(store: Store) -> Store:
    """The store, whose rollup worker first waits for what other databases have open: it would hold the horizon back."""
    roll = store.roll

    def wait_and_roll(now: datetime, patience: timedelta = timedelta(0)) -> int:
        _others_end()
        return roll(now, patience)

    store.roll = wait_and_roll  # type: ignore[method-assign]
    return store


def _others_end() -> None:
    deadline = time.monotonic() + 120
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [moment] = cursor.fetchone()
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname <> current_database() AND backend_xid IS NOT NULL AND xact_start <= %s",
                [moment],
            )
            if cursor.fetchone() == (0,):
                return
            assert time.monotonic() < deadline, "transactions of other databases do not end"
            time.sleep(0.02)
