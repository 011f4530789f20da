"""Work for later, by name.

PostgreSQL owns all work: each waiting state has a sweeper, and a message only wakes it sooner.
"""

import logging
import time
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from core.sweeps import queue_of
from core.transactions import require_transaction

logger = logging.getLogger(__name__)

QUIET_SECONDS = 10.0
"""How long a process leaves a broker alone that was down: finding out again takes seconds, which requests wait for."""
_leave_until = 0.0


def enqueue(name: str, **kwargs: str | int) -> None:
    """Sends task `name` with keyword ids once the open transaction commits. Raises RuntimeError outside one.

    A broker that is down costs latency only, and that to one request in a while: the sweeper of the waiting state finds
    the work.
    """
    require_transaction()
    transaction.on_commit(partial(_send, name, kwargs), robust=True)


def route(name: str, *_: Any, **__: Any) -> dict[str, str]:
    """Celery's router: the queue that a job's app says."""
    return {"queue": queue_of(name)}


def _send(name: str, kwargs: dict[str, Any]) -> None:
    global _leave_until  # noqa: PLW0603 - one broker for the process
    if time.monotonic() < _leave_until:
        return
    try:
        current_app.send_task(name, kwargs=kwargs, retry=False)
    except (OperationalError, OSError) as error:
        _leave_until = time.monotonic() + QUIET_SECONDS
        logger.warning("job %s waits for its sweeper: %s", name, error)
