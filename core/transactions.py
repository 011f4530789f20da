"""Transactions: a use case is one durable transaction; its parts assert that one is open."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

from core import idempotency, patience

P = ParamSpec("P")
R = TypeVar("R")

_in_snapshot: ContextVar[bool] = ContextVar("in_snapshot", default=False)
_companion: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar("companion", default=nullcontext)
_rehearsing: ContextVar[bool] = ContextVar("rehearsing", default=False)
_snapshot_began: ContextVar[float | None] = ContextVar("snapshot_began", default=None)


@contextmanager
def use_case() -> Iterator[None]:
    """One whole business write: committed when the block ends, never nested in another nor in a snapshot.

    If the request carries an idempotency key, the same commit records that its effect has happened. Within
    `core.patience.bounded_waits` it waits for locks for a short time only.
    Raises RuntimeError when a transaction is already open, Conflict when another request took over the key.
    """
    if _in_snapshot.get():
        raise RuntimeError("a snapshot is only read: what is to be written before it comes before it")
    is_nested = connection.in_atomic_block  # in a test's own transaction
    with transaction.atomic(durable=True):
        if _rehearsing.get() and not is_nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        patience.limit_waits()
        with _companion.get()():
            yield
        if _rehearsing.get():
            _undo()
        else:
            idempotency.record_commit()


def _undo() -> None:
    """Rolls the transaction back when its block ends. What is only checked at its commit is checked first."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    transaction.set_rollback(True)


@contextmanager
def together_with(part: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Every use case of the block has `part` around it, in its transaction: both are committed, or neither is."""
    token = _companion.set(part)
    try:
        yield
    finally:
        _companion.reset(token)


@contextmanager
def rehearsed(watching: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """A use case of the block is carried out with `watching` around it, in its transaction, and then undone.

    It reads one moment and its own changes, is refused as it would be in earnest, and leaves nothing: no row, no job.
    """
    rehearsing = _rehearsing.set(True)
    try:
        with together_with(watching):
            yield
    finally:
        _rehearsing.reset(rehearsing)


@contextmanager
def snapshot() -> Iterator[None]:
    """Reads of one moment: every query in the block sees what was committed when its first one began; writes nothing.

    Raises RuntimeError inside a transaction. (In a test's own transaction the reads are of whatever moment they are.)
    """
    before = time.monotonic()
    if _in_snapshot.get() or any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError("a snapshot is a transaction of its own")
    reading = _in_snapshot.set(True)
    try:
        if connection.in_atomic_block:
            yield
            return
        with transaction.atomic(durable=True):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            began = _snapshot_began.set(before)
            try:
                yield
            finally:
                _snapshot_began.reset(began)
    finally:
        _in_snapshot.reset(reading)


def reads_snapshot(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: the function's queries are reads of one moment: of the `snapshot` that is open, or of its own."""

    @wraps(function)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        with nullcontext() if _in_snapshot.get() else snapshot():
            return function(*args, **kwargs)

    return reading


def snapshot_began() -> float | None:
    """A monotonic time before all that the surrounding `snapshot` reads; None outside of one."""
    return _snapshot_began.get()


def require_transaction() -> None:
    """Guards parts of a use case. Raises RuntimeError outside a transaction (a test's own wrapper does not count)."""
    if not any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError("this write needs the transaction of a use case")
