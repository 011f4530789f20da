"""Group commit: one writer for all requests of a process; what arrives while it commits shares the next commit.

The writer has a connection of its own; a request waits for the commit that holds its item.
"""

import atexit
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

import psycopg
import structlog

from core.errors import Unavailable
from core.postgres.connections import is_alive

ATTEMPTS: Final = 6
PAUSE: Final = 0.02
"""Seconds of the first pause at most before a group is tried again; each is twice the one before."""
STOP_SECONDS: Final = 20.0

log = structlog.get_logger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


class PendingWrite(Generic[Item, Result]):
    """An item on its way to be written: who submits it waits for it at once.

    Those who wait for one commit are woken one by another, first come, first served: all at once they would only wait
    anew, for the interpreter's lock. It is what futures do, and `bench.group_commit` has them beside it.
    """

    __slots__ = ("_error", "_gave_up", "_others", "_result", "_woken", "item")

    def __init__(self, item: Item) -> None:
        self.item = item
        self._result: list[Result] = []
        self._error: Exception | None = None
        self._others: deque[PendingWrite[Item, Result]] = deque()
        self._gave_up = False
        self._woken = threading.Lock()
        self._woken.acquire()

    def wait(self, patience: float, too_late: str) -> Result:
        """What came of it, once it is committed.

        Raises Unavailable, saying `too_late`, after `patience` seconds: it is unknown then whether it will be stored;
        psycopg.Error.
        """
        woken = False
        try:
            woken = self._woken.acquire(timeout=patience)
        finally:
            if not woken:
                self._gave_up = True
                woken = self._woken.acquire(blocking=False)  # at the last moment
            if woken:
                wake_next(self._others)
        if self._error is not None:
            raise self._error
        if not self._result:
            raise Unavailable(too_late)
        return self._result[0]

    def done(self) -> bool:
        """Whether it is known what came of it."""
        return bool(self._result) or self._error is not None

    def settle(self, result: Result, others: "deque[PendingWrite[Item, Result]]") -> None:
        """Notes what came of it; `others` of its commit are still to be woken when this one is."""
        self._result.append(result)
        self._others = others

    def fail(self, error: Exception) -> None:
        """Notes what came of it, and wakes who waits."""
        self._error = error
        self._woken.release()

    def wake(self) -> bool:
        """Wakes who waits; False where that one has given up, and perhaps wakes nobody in turn."""
        self._woken.release()
        return not self._gave_up


def wake_next(waiting: deque[PendingWrite[Any, Any]]) -> None:
    """Wakes the first who still waits, who wakes the next."""
    try:
        while not waiting.popleft().wake():
            pass
    except IndexError:
        return


class GroupCommitWriter(Generic[Item, Result]):
    """The writer thread, started by the first item.

    `write` gets the connection, in autocommit and without a transaction, and the items in order of arrival. It stores
    all of them in one transaction and returns the result of each, in the same order. If the database refuses a group,
    each of its items is written by itself, so that only the one to blame hears of it; serialization failures and
    deadlocks are tried again. So `write` keeps nothing of a group outside of the database.

    `name`: of the thread. `connect`: opens the connection. `weigh`: how much of `group` and `waiting` an item takes; a
    commit takes items until they weigh `group`; what would make more than `waiting` wait is refused, saying `too_much`.
    `gather`: seconds that the writer waits, where the last group held several items, for those who come back at once:
    or their first would get a commit to itself, and the others wait for it. A single caller never waits.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], psycopg.Connection[Any]],
        write: Callable[[psycopg.Connection[Any], Sequence[Item]], Sequence[Result]],
        *,
        weigh: Callable[[Item], int] = lambda _: 1,
        group: int = 500,
        waiting: int = 5_000,
        too_much: str = "more is waiting than can be stored at once; try again",
        gather: float = 0.0,
    ) -> None:
        self._name, self._connect, self._write = name, connect, write
        self._weigh, self._most, self._most_waiting, self._gather = weigh, group, waiting, gather
        self._too_much = too_much
        self._begin()
        _writers.add(self)

    def _begin(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._queue: SimpleQueue[PendingWrite[Item, Result] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._waiting = 0
        self._last_size = 0

    def submit(self, item: Item) -> PendingWrite[Item, Result]:
        """Queues an item. Raises Unavailable if too much waits already."""
        weight = self._weigh(item)
        with self._lock:
            if self._waiting + weight > self._most_waiting:
                raise Unavailable(self._too_much)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
                atexit.register(self.stop)
            self._waiting += weight
        pending = self._pend(item)
        self._queue.put(pending)
        return pending

    def stop(self) -> None:
        """Writes what was taken, then ends the thread."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            self._queue.put(None)
            thread.join(STOP_SECONDS)
            self._thread = None

    def _pend(self, item: Item) -> PendingWrite[Item, Result]:
        return PendingWrite(item)

    def _work(self) -> None:
        while True:
            group, is_last = self._take()
            if group:
                try:
                    self._store(group)
                except Exception as error:  # this thread must live, and everyone who waits be told
                    log.exception("writing a group failed", writer=self._name)
                    self._disconnect()
                    _fail(group, error)
            if is_last:
                self._disconnect()
                return

    def _take(self) -> tuple[list[PendingWrite[Item, Result]], bool]:
        """What waits, in order, and whether to stop after it."""
        group: list[PendingWrite[Item, Result]] = []
        weight, pending = 0, self._queue.get()
        if self._gather and self._last_size > 1:
            time.sleep(self._gather)
        while pending is not None:
            group.append(pending)
            weight += self._weigh(pending.item)
            if weight >= self._most:
                break
            try:
                pending = self._queue.get_nowait()
            except Empty:
                break
        self._last_size = len(group)
        with self._lock:
            self._waiting -= weight
        return group, pending is None

    def _store(self, group: Sequence[PendingWrite[Item, Result]]) -> None:
        try:
            results = self._attempt([pending.item for pending in group])
        except psycopg.OperationalError as error:
            self._disconnect()
            _fail(group, error)
        except psycopg.Error as error:
            if len(group) == 1:
                _fail(group, error)
                return
            for pending in group:
                self._store([pending])
        else:
            self._set_results(group, results)

    def _set_results(self, group: Sequence[PendingWrite[Item, Result]], results: Sequence[Result]) -> None:
        others = deque(group)
        for pending, result in list(zip(group, results, strict=True)):
            pending.settle(result, others)
        wake_next(others)

    def _attempt(self, items: Sequence[Item]) -> Sequence[Result]:
        for attempt in range(ATTEMPTS):
            try:
                return self._write(self._connected(), items)
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0, PAUSE * 2**attempt))  # noqa: S311 - spreads the retries, hides nothing
        raise AssertionError("unreachable")

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or not is_alive(self._connection):
            self._disconnect()
            self._connection = self._connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_writers: WeakSet[GroupCommitWriter[Any, Any]] = WeakSet()


def _begin_again() -> None:
    """Threads do not survive a fork, and a connection is the parent's: each writer starts anew."""
    for writer in list(_writers):
        writer._begin()  # noqa: SLF001 - this module's own


os.register_at_fork(after_in_child=_begin_again)


def _fail(group: Sequence[PendingWrite[Any, Any]], error: Exception) -> None:
    for pending in group:
        if not pending.done():
            pending.fail(error)
