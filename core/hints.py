"""What one request notices and none should wait for. Losing it must be harmless: it is noticed again."""

import os
import threading
from collections.abc import Callable, Hashable
from queue import SimpleQueue
from typing import Generic, TypeVar

import structlog
from django.db import close_old_connections

log = structlog.get_logger(__name__)
Item = TypeVar("Item", bound=Hashable)


class Hints(Generic[Item]):
    """A thread that does `work` with each item, one after the other; an item that waits already is not queued again."""

    def __init__(self, name: str, work: Callable[[Item], object]) -> None:
        self._name, self._work = name, work
        self._lock = threading.Lock()
        self._process = 0
        self._waiting: set[Item] = set()
        self._queue: SimpleQueue[Item] = SimpleQueue()

    def give(self, item: Item) -> None:
        """Has it done soon."""
        with self._lock:
            if self._process != os.getpid():  # threads do not survive a fork
                self._process, self._waiting, self._queue = os.getpid(), set(), SimpleQueue()
                threading.Thread(target=self._loop, name=self._name, daemon=True).start()
            if item in self._waiting:
                return
            self._waiting.add(item)
        self._queue.put(item)

    def _loop(self) -> None:
        while True:
            item = self._queue.get()
            with self._lock:
                self._waiting.discard(item)
            try:
                self._work(item)
            except Exception:  # this thread must live; whoever needs it notices it again
                log.exception("a hint could not be followed", hint=self._name)
            finally:
                close_old_connections()
