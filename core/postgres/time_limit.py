"""How long a request may take: checked before each of its statements, and given to the server as their limit.

Python cannot end a thread, but a request that takes long asks the database again and again. What it has begun is rolled
back. The server's limit is set for one transaction (SET LOCAL): behind a pooler nothing is left on a session.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic

from core.errors import TookTooLong
from core.postgres.connections import is_pooled


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Everything that this thread does in the block on Django's connection has to begin within `seconds`.

    A statement that is begun ends by then too, or a session's own limit later where that is shorter.
    Raises TookTooLong; a statement that the server ends is django.db.OperationalError.
    """
    with connection.execute_wrapper(_Limit(time.monotonic() + seconds)):
        yield


class _Limit:
    """Stands around the statements of one request."""

    def __init__(self, until: float) -> None:
        self.until = until
        self._limited: Atomic | None = None

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TookTooLong
        self._limit_transaction(context["connection"], int(left * 1000) + 1)
        return execute(sql, params, many, context)

    def _limit_transaction(self, database: BaseDatabaseWrapper, left_ms: int) -> None:
        """Once in each transaction, unless its session has a limit that is shorter than what is left."""
        opened = next((one for one in database.atomic_blocks if not getattr(one, "_from_testcase", False)), None)
        if opened is None or opened is self._limited:
            return
        self._limited = opened
        own = settings.TACTUS_STATEMENT_TIMEOUT_MS
        if own and own <= left_ms and not is_pooled():
            return
        with database.wrap_database_errors:
            database.connection.execute(f"SET LOCAL statement_timeout = {min(own or left_ms, left_ms)}")
