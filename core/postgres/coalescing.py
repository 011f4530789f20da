"""What one request notices and none should wait for. Losing it must be harmless: it is noticed again."""

import os
import threading
from collections.abc import Callable, Hashable
from queue import SimpleQueue
from typing import Generic, TypeVar

import structlog
from django.db import connections

log = structlog.get_logger(__name__)
Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class CoalescingQueue(Generic[Key, Item]):
    """A thread that does `work` with each key's item, one by one; of a key that waits the newest item counts."""

    def __init__(self, name: str, work: Callable[[Key, Item], object]) -> None:
        self._name, self._work = name, work
        self._lock = threading.Lock()
        self._process = 0
        self._waiting: dict[Key, Item] = {}
        self._queue: SimpleQueue[Key] = SimpleQueue()
        self._is_busy = False

    @property
    def is_idle(self) -> bool:
        """Whether everything is done."""
        with self._lock:
            return not self._waiting and not self._is_busy

    def submit(self, key: Key, item: Item) -> None:
        """Has it done soon."""
        with self._lock:
            if self._process != os.getpid():  # threads do not survive a fork
                self._process, self._waiting, self._queue = os.getpid(), {}, SimpleQueue()
                threading.Thread(target=self._loop, name=self._name, daemon=True).start()
            is_new = key not in self._waiting
            self._waiting[key] = item
        if is_new:
            self._queue.put(key)

    def _loop(self) -> None:
        while True:
            key = self._queue.get()
            with self._lock:
                item = self._waiting.pop(key)
                self._is_busy = True
            try:
                self._work(key, item)
            except Exception:  # this thread must live; whoever needs it notices it again
                log.exception("a hint could not be followed", hint=self._name)
            finally:
                connections.close_all()
                with self._lock:
                    self._is_busy = False
