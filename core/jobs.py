"""Work for later, by name.

PostgreSQL owns all work: each waiting state has a sweeper, and a message only wakes it sooner. So nobody waits for the
broker: messages leave from a thread of their own, and where it does not take them they are forgotten.
"""

import atexit
import logging
import os
import time
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from queue import Empty, Full, Queue
from threading import Lock, Thread
from typing import Any, Final

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from core.sweeps import queue_of
from core.transactions import require_transaction

logger = logging.getLogger(__name__)

QUIET_SECONDS: Final = 10.0
"""How long a process leaves a broker alone that was down or did not answer."""
MAX_WAITING: Final = 1000
"""How many messages wait for a slow broker."""
LAST_SECONDS: Final = 0.2
"""How long a process that ends waits for its last messages."""


def enqueue(name: str, **kwargs: str | int) -> None:
    """Sends task `name` with keyword ids once the open transaction commits. Raises RuntimeError outside one.

    It costs the caller nothing, whatever the broker does: down, frozen or slow. What is not sent the sweeper of the
    waiting state finds.
    """
    require_transaction()
    transaction.on_commit(partial(_send, name, kwargs), robust=True)


def route(name: str, *_: Any, **__: Any) -> dict[str, str]:
    """Celery's router: the queue that a job's app says."""
    return {"queue": queue_of(name)}


class Sender:
    """Sends a process's messages one after the other, in a thread that begins with the first."""

    def __init__(self) -> None:
        self._waiting: Queue[tuple[str, Callable[[], object]]] = Queue(MAX_WAITING)
        self._leave_until = 0.0
        self._thread: Thread | None = None
        self._starting = Lock()

    def give(self, name: str, send: Callable[[], object]) -> None:
        """Has `send` called soon, unless the broker was down a moment ago or too much is waiting already."""
        if time.monotonic() < self._leave_until:
            return
        try:
            self._waiting.put_nowait((name, send))
        except Full:
            self._give_up(name, "the broker is too slow")
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._work, name="hints", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Waits until nothing is waiting any more, for this long at most; whether that is so."""
        done = self._waiting.all_tasks_done
        with done:
            return done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def _work(self) -> None:
        while True:
            name, send = self._waiting.get()
            try:
                send()
            except (OperationalError, OSError) as error:
                self._give_up(name, error)
            except Exception:
                logger.exception("job %s could not be sent and waits for its sweeper", name)
            finally:
                self._waiting.task_done()

    def _give_up(self, name: str, error: object) -> None:
        """Leaves the broker alone for a while; what else was to be sent is not worth it by then."""
        self._leave_until = time.monotonic() + QUIET_SECONDS
        logger.warning("job %s waits for its sweeper: %s", name, error)
        try:
            while True:
                self._waiting.get_nowait()
                self._waiting.task_done()
        except Empty:
            return


sender = Sender()


def _send(name: str, kwargs: dict[str, Any]) -> None:
    # The application and the logs' context are those of the caller's thread.
    send = partial(current_app.send_task, name, kwargs=kwargs, retry=False)
    sender.give(name, partial(copy_context().run, send))


def _begin_anew() -> None:
    """A forked process has neither its parent's thread nor its messages."""
    global sender  # noqa: PLW0603 - one for the process
    sender = Sender()


os.register_at_fork(after_in_child=_begin_anew)
atexit.register(lambda: sender.wait(LAST_SECONDS))
