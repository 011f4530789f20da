"""What a process has read, for as long as the database says that nothing it was read from has changed.

A rate card of thousands of rates is read in a tenth of a second and changes once a month. Each entry carries the
snapshot from before it was read; it stands until a transaction that this snapshot did not see has changed one of the
tables it was read from, which triggers note (`Changes`). So an answer is never older than the statement that asks,
whichever process wrote. A transaction that may write reads everything anew: it may have changed it itself. One that
reads a snapshot (core.transactions.snapshot) uses what was read before it began. See docs/adr/0016.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db import connection

from core.transactions import snapshot_began

Value = TypeVar("Value")

LONGEST: Final = 3600.0
"""Seconds: well within the day for which changes are known."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The rows by which triggers note who changed something: a table with a column `xact xid8`, and which of its rows.

    `condition` with `params` is SQL of our own, never a caller's.
    """

    table: str
    condition: str = "TRUE"
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    """A value with its weight, the snapshot from before it was read, and the monotonic time just after that."""

    value: Value
    weight: int
    snapshot: str
    at: float


def cache_usable() -> bool:
    """Whether what is kept may be used here: not in a transaction that may write."""
    return not connection.in_atomic_block or snapshot_began() is not None


class SnapshotCache(Generic[Value]):
    """Values by key, the least recently asked going first when together they weigh more than `room`. Thread-safe.

    Values are shared between threads: nobody changes them, and they read nothing more once they are there.
    """

    def __init__(self, weigh: Callable[[Value], int], room: int) -> None:
        self._weigh, self._room = weigh, room
        self._entries: OrderedDict[Hashable, _Entry[Value]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], Value], *changes: Changes) -> Value:
        """The value as `load` would read it now, from tables that `changes` tell of; one statement if it is known."""
        if not cache_usable():
            return load()
        began = snapshot_began()
        key = (connection.settings_dict["NAME"], key)
        with self._lock:
            known = self._entries.get(key)
            if known is not None:
                self._entries.move_to_end(key)
        if known is not None and began is not None and known.at > began:
            return load()
        if known is not None and time.monotonic() < known.at + LONGEST and is_valid(known.snapshot, changes):
            return known.value
        snapshot = _snapshot()
        at = time.monotonic()
        value = load()
        self._keep(key, _Entry(value, self._weigh(value), snapshot, at))
        return value

    def _keep(self, key: Hashable, entry: _Entry[Value]) -> None:
        with self._lock:
            self._drop(key)
            if entry.weight > self._room:
                return
            while self._weight + entry.weight > self._room:
                self._drop(next(iter(self._entries)))
            self._entries[key] = entry
            self._weight += entry.weight

    def _drop(self, key: Hashable) -> None:
        gone = self._entries.pop(key, None)
        if gone is not None:
            self._weight -= gone.weight


def _snapshot() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return str(cursor.fetchone()[0])


def is_valid(snapshot: str, changes: tuple[Changes, ...]) -> bool:
    """Whether every change that can be seen now could be seen in this snapshot."""
    none = " AND ".join(
        f"NOT EXISTS (SELECT FROM {one.table} WHERE {one.condition} AND xact >= pg_snapshot_xmin(%s::pg_snapshot)"
        " AND NOT pg_visible_in_snapshot(xact, %s::pg_snapshot))"
        for one in changes
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {none}", [given for one in changes for given in (*one.params, snapshot, snapshot)])
        return bool(cursor.fetchone()[0])
