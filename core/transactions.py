"""Transactions: a use case is one durable transaction; its parts assert that one is open."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

from core import idempotency

_snapshot_began: ContextVar[float | None] = ContextVar("snapshot_began", default=None)


@contextmanager
def use_case() -> Iterator[None]:
    """One whole business write: committed when the block ends, never nested in another.

    If the request carries an idempotency key, the same commit records that its effect has happened.
    Raises RuntimeError when a transaction is already open, Conflict when another request took over the key.
    """
    with transaction.atomic(durable=True):
        yield
        idempotency.record_commit()


@contextmanager
def snapshot() -> Iterator[None]:
    """Reads of one moment: every query in the block sees what was committed when its first one began; writes nothing.

    Raises RuntimeError inside a transaction. (In a test's own transaction the reads are of whatever moment they are.)
    """
    before = time.monotonic()
    with transaction.atomic(durable=True):
        if len(connection.atomic_blocks) > 1:
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        token = _snapshot_began.set(before)
        try:
            yield
        finally:
            _snapshot_began.reset(token)


def snapshot_began() -> float | None:
    """A monotonic time before all that the surrounding `snapshot` reads; None outside of one."""
    return _snapshot_began.get()


def require_transaction() -> None:
    """Guards parts of a use case. Raises RuntimeError outside a transaction (a test's own wrapper does not count)."""
    if not any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError("this write needs the transaction of a use case")
