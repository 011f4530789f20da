"""One writer for all requests of a process: what arrives while it commits shares the next commit.

Where the last group held several items, the writer waits a millisecond for those who come back at once: or their
first would get a commit to itself, and the others wait for it. A single caller never waits. The writer has a connection
of its own; a request waits for the commit that holds its item. `usage.store.postgres.flusher` does the same for batches
of events, which have more to be careful about.
"""

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

import psycopg
import structlog

from core.errors import Unavailable
from core.postgres.connections import BY_KEY, connect
from core.postgres.pipeline import Call, Execute, Pipeline, Rows

ATTEMPTS: Final = 6
PAUSE: Final = 0.02
GATHER: Final = 0.001

log = structlog.get_logger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


class PendingWrite(Generic[Item, Result]):
    """An item on its way to be written."""

    __slots__ = ("_done", "_failure", "_gave_up", "_others", "_result", "item")

    def __init__(self, item: Item) -> None:
        self.item = item
        self._result: Result | None = None
        self._failure: Exception | None = None
        self._others: deque[PendingWrite[Item, Result]] = deque()
        self._gave_up = False
        self._done = threading.Lock()
        self._done.acquire()

    def settle(self, result: Result, others: "deque[PendingWrite[Item, Result]]") -> None:
        """Notes what came of it; whoever is woken first of `others` wakes the next, until it is this one's turn."""
        self._result, self._others = result, others

    def fail(self, failure: Exception) -> None:
        """Wakes the one who waits."""
        self._failure = failure
        self._done.release()

    @property
    def is_finished(self) -> bool:
        """Whether what came of it is known."""
        return self._result is not None or self._failure is not None

    def wait(self, patience: int) -> Result:
        """What came of it, once it is committed. Raises Unavailable after `patience` seconds, psycopg.Error."""
        if not self._done.acquire(timeout=patience):
            self._gave_up = True
            if not self._done.acquire(blocking=False):  # woken this moment: then it is still to wake the next
                raise Unavailable("this was not stored in time; read the object, or send the request again")
        wake_one(self._others)
        if self._failure is not None:
            raise self._failure
        assert self._result is not None  # noqa: S101 - finished without failure
        return self._result

    def wake(self) -> bool:
        """Wakes the one who waits; False if that one has given up, and wakes nobody in turn."""
        self._done.release()
        return not self._gave_up


def wake_one(waiting: deque[PendingWrite[Item, Result]]) -> None:
    """Wakes the next, who wakes the one after. All at once they would only wait anew: for the interpreter's lock."""
    try:
        while not waiting.popleft().wake():
            pass
    except IndexError:
        return


Write = Callable[[Execute, Sequence[Item]], tuple[Sequence[Call], Callable[[list[Rows]], Sequence[Result]]]]


class GroupCommitWriter(Generic[Item, Result]):
    """The writer thread, started by the first item.

    `write` gets what asks the database, and the items in order of arrival. It returns what is to be stored, which goes
    out together with the commit, and what makes of the rows of that, after the commit, the result of each item, in the
    same order. If the database refuses a group, each of its items is written by itself, so that only the one to blame
    hears of it: `write` keeps nothing outside of the database.
    `name`: of the thread and its connection, which looks rows up by key. At most `group` items share a commit; no more
    are taken while `waiting` wait for their turn.
    """

    def __init__(
        self,
        name: str,
        write: Write[Item, Result],
        *,
        group: int = 500,
        waiting: int = 5_000,
    ) -> None:
        self._name, self._write_group = name, write
        self._most, self._waiting = group, waiting
        self._connection: psycopg.Connection[Any] | None = None
        self._exchange: Pipeline | None = None
        self._queue: SimpleQueue[PendingWrite[Item, Result] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last_size = 0

    def submit(self, item: Item) -> PendingWrite[Item, Result]:
        """Queues an item. Raises Unavailable if too many wait already."""
        if self._queue.qsize() >= self._waiting:
            raise Unavailable("more is waiting than can be stored at once; try again")
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                    self._thread.start()
                    atexit.register(self.stop)
        ticket: PendingWrite[Item, Result] = PendingWrite(item)
        self._queue.put(ticket)
        return ticket

    def stop(self) -> None:
        """Writes what was taken, then ends the thread."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._queue.put(None)
            thread.join(20)

    def _work(self) -> None:
        while True:
            group, last = self._take()
            if group:
                try:
                    self._store(group)
                except Exception as error:  # this thread must live, and everyone who waits be told
                    log.exception("writing a group failed", writer=self._name)
                    self._disconnect()
                    for ticket in group:
                        if not ticket.is_finished:
                            ticket.fail(error)
            if last:
                self._disconnect()
                return

    def _take(self) -> tuple[list[PendingWrite[Item, Result]], bool]:
        """What waits, in order, and whether to stop after it."""
        group: list[PendingWrite[Item, Result]] = []
        ticket = self._queue.get()
        if self._last_size > 1:
            time.sleep(GATHER)
        while ticket is not None:
            group.append(ticket)
            if len(group) >= self._most:
                break
            try:
                ticket = self._queue.get_nowait()
            except Empty:
                break
        self._last_size = len(group)
        return group, ticket is None

    def _store(self, group: Sequence[PendingWrite[Item, Result]]) -> None:
        try:
            found = self._write([ticket.item for ticket in group])
        except psycopg.OperationalError as error:
            self._disconnect()
            for ticket in group:
                ticket.fail(error)
        except psycopg.Error as error:
            if len(group) == 1:
                group[0].fail(error)
                return
            for ticket in group:
                self._store([ticket])
        else:
            waiting = deque(group)
            for ticket, result in list(zip(group, found, strict=True)):
                ticket.settle(result, waiting)
            wake_one(waiting)

    def _write(self, items: Sequence[Item]) -> Sequence[Result]:
        for attempt in range(1, ATTEMPTS + 1):
            exchange = self._connected()
            try:
                last, tell = self._write_group(exchange.execute, items)
                return tell(exchange.commit(*last))
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                if attempt == ATTEMPTS:
                    raise
                time.sleep(PAUSE * attempt)
        raise AssertionError("unreachable")

    def _connected(self) -> Pipeline:
        if self._connection is None or self._exchange is None or self._connection.closed:
            self._disconnect()
            self._connection = connect(self._name, BY_KEY)
            self._exchange = Pipeline(self._connection)
        return self._exchange

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
