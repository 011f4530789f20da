"""What a process has read of the catalog, for as long as the database says that nothing in it has changed.

A rate card of thousands of rates is read in a tenth of a second and changes once a month. Each entry carries the
snapshot from before it was read; it stands until a transaction that this snapshot did not see has changed a table of
the catalog (triggers, catalog/migrations/0014). So an answer is never older than the statement that asks, whichever
process wrote. Inside a transaction everything is read anew: it may have changed the catalog itself.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from django.db import connection

Value = TypeVar("Value")

LONGEST = 3600.0
"""Seconds: well within the day for which changes are known."""


class Kept(Generic[Value]):
    """Values by key, the least recently asked going first when together they weigh more than `room`. Thread-safe."""

    def __init__(self, weigh: Callable[[Value], int], room: int) -> None:
        self._weigh, self._room = weigh, room
        self._entries: OrderedDict[Hashable, tuple[Value, str, float]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], Value]) -> Value:
        """The value as `load` would read it now; one statement where it is known."""
        if connection.in_atomic_block:
            return load()
        key = (connection.settings_dict["NAME"], key)
        with self._lock:
            known = self._entries.get(key)
            if known is not None:
                self._entries.move_to_end(key)
        if known is not None and time.monotonic() < known[2] and _stands(known[1]):
            return known[0]
        snapshot = _snapshot()
        value = load()
        self._keep(key, value, snapshot)
        return value

    def _keep(self, key: Hashable, value: Value, snapshot: str) -> None:
        with self._lock:
            self._drop(key)
            weight = self._weigh(value)
            if weight > self._room:
                return
            while self._weight + weight > self._room:
                self._drop(next(iter(self._entries)))
            self._entries[key] = value, snapshot, time.monotonic() + LONGEST
            self._weight += weight

    def _drop(self, key: Hashable) -> None:
        gone = self._entries.pop(key, None)
        if gone is not None:
            self._weight -= self._weigh(gone[0])


def _snapshot() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return str(cursor.fetchone()[0])


def _stands(snapshot: str) -> bool:
    """Whether every change of the catalog that can be seen now could be seen in this snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM catalog_change WHERE xact >= pg_snapshot_xmin(%(kept)s::pg_snapshot)"
            " AND NOT pg_visible_in_snapshot(xact, %(kept)s::pg_snapshot))",
            {"kept": snapshot},
        )
        return bool(cursor.fetchone()[0])
