"""One writer for all requests of a process: batches that arrive while it commits share the next commit.

There is no delay to collect more: under load a group is whatever came in during the last commit. The writer has a
connection of its own; a request waits for the commit that holds its batch.
"""

import atexit
import random
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final

import psycopg
import structlog

from core.errors import Unavailable
from usage.store.postgres.rows import Rows
from usage.store.postgres.wire import is_alive
from usage.store.postgres.writing import Repeated, write_checked, write_unseen

MAX_GROUP: Final = 5_000
"""Events of one commit, beyond the first batch."""
MAX_WAITING: Final = 50_000
"""Events that may wait for their turn; more are refused with 503 until there is room."""
PATIENCE: Final = 20.0
"""Seconds that a request waits for its commit. After that it is unknown whether it was stored: 503, send it again."""
ATTEMPTS: Final = 6
CAUTION: Final = 20
"""How many groups are checked id by id after one that held a duplicate."""

log = structlog.get_logger(__name__)
Connect = Callable[[], psycopg.Connection[Any]]


class Ticket:
    """A batch on its way into the store."""

    __slots__ = ("_done", "_failure", "_repeated", "is_finished", "rows")

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.is_finished = False
        self._repeated: Repeated = ()
        self._failure: Exception | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self, repeated: Repeated = (), failure: Exception | None = None) -> None:
        """Wakes the one who waits."""
        self._repeated, self._failure, self.is_finished = repeated, failure, True
        self._done.release()

    def wait(self) -> Repeated:
        """What was repeated, once the batch is committed. Raises psycopg.Error, Unavailable."""
        if not self._done.acquire(timeout=PATIENCE):
            raise Unavailable("the events were not stored in time; send them again")
        if self._failure is not None:
            raise self._failure
        return self._repeated


class Flusher:
    """The writer thread, started by the first batch. `connect` opens an autocommit connection for it."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._caution = 0

    def submit(self, rows: Rows) -> Ticket:
        """Queues a batch. Raises Unavailable if too much is waiting already or the process is stopping."""
        with self._lock:
            if self._waiting + len(rows) > MAX_WAITING:
                raise Unavailable("more events are waiting than can be stored at once; send them again")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="usage-flusher", daemon=True)
                self._thread.start()
                atexit.register(self.stop)
            self._waiting += len(rows)
        ticket = Ticket(rows)
        self._queue.put(ticket)
        return ticket

    def stop(self) -> None:
        """Stores what was taken, then ends the thread."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._queue.put(None)
            thread.join(PATIENCE)

    def _work(self) -> None:
        while True:
            group, last = self._take()
            if group:
                try:
                    self._store(group)
                except Exception as error:  # this thread must live, and everyone who waits be told
                    log.exception("storing a group of batches failed")
                    for ticket in group:
                        if not ticket.is_finished:
                            ticket.finish(failure=error)
            if last:
                self._disconnect()
                return

    def _take(self) -> tuple[list[Ticket], bool]:
        """The batches that wait, in order, and whether to stop after them."""
        group: list[Ticket] = []
        size, ticket = 0, self._queue.get()
        while ticket is not None:
            group.append(ticket)
            size += len(ticket.rows)
            if size >= MAX_GROUP:
                break
            try:
                ticket = self._queue.get_nowait()
            except Empty:
                break
        with self._lock:
            self._waiting -= size
        return group, ticket is None

    def _store(self, group: Sequence[Ticket]) -> None:
        try:
            found = self._write([ticket.rows for ticket in group])
        except psycopg.OperationalError as error:
            self._disconnect()
            for ticket in group:
                ticket.finish(failure=error)
        except psycopg.Error as error:
            if len(group) == 1:
                group[0].finish(failure=error)
                return
            # Something in the group cannot be stored: each batch by itself, so that only its own sender hears of it.
            for ticket in group:
                self._store([ticket])
        else:
            for ticket, repeated in zip(group, found, strict=True):
                ticket.finish(repeated)

    def _write(self, group: Sequence[Rows]) -> Sequence[Repeated]:
        for attempt in range(1, ATTEMPTS + 1):
            connection = self._connected()
            try:
                if not self._caution:
                    if write_unseen(connection, group):
                        return [()] * len(group)
                    self._caution = CAUTION
                with connection.transaction():
                    found = write_checked(connection, group)
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                if attempt == ATTEMPTS:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads the retries, hides nothing
            else:
                self._caution = CAUTION if any(found) else self._caution - 1
                return found
        raise AssertionError("unreachable")

    def _connected(self) -> psycopg.Connection[Any]:
        connection = self._connection
        if connection is None or not is_alive(connection):
            self._disconnect()
            connection = self._connection = self._connect()
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
