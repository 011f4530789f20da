"""How long a sweep waits for what others have locked: a moment. Whoever is busy is passed over until the next run.

A sweep sees to one account after the other, each in a transaction of its own. Inside `bounded_waits` those end with an
error after a moment's wait for a lock, which `passes_over` knows; the sweep goes on with the next account.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db import OperationalError, connection

Key = TypeVar("Key")

logger = logging.getLogger(__name__)

FIRST_MS: Final = 250
LATER_MS: Final = 10
PATIENT_TIMES: Final = 8
"""So many waits may take `FIRST_MS`, later ones `LATER_MS`: hundreds of locked accounts do not use up a run."""

_BUSY: Final = ("55P03", "40P01")
"""SQLSTATE lock_not_available and deadlock_detected."""
_CANCELED: Final = "57014"
"""SQLSTATE query_canceled: the statement's time limit."""


@dataclass(slots=True)
class _Waits:
    """How often a lock was not to be had."""

    times: int = 0


_waits: ContextVar[_Waits | None] = ContextVar("bounded_waits", default=None)


@contextmanager
def bounded_waits() -> Iterator[None]:
    """Use cases in the block wait for each lock for a moment only. Inside another such block it changes nothing."""
    if _waits.get() is not None:
        yield
        return
    token = _waits.set(_Waits())
    try:
        yield
    finally:
        _waits.reset(token)


def bound_ms() -> int | None:
    """How long a lock may be waited for here, in milliseconds; None outside of `bounded_waits`: as long as it takes."""
    waits = _waits.get()
    return None if waits is None else FIRST_MS if waits.times < PATIENT_TIMES else LATER_MS


def limit_waits() -> None:
    """At the beginning of a transaction in `bounded_waits`: its bound. Elsewhere nothing."""
    bound = bound_ms()
    if bound is not None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {bound}")


def passes_over(error: BaseException) -> bool:
    """Whether a sweep leaves this one for its next run and goes on with others, and says so in the log.

    So where somebody else's lock was in the way for longer than the bound, or a statement took longer than its limit.
    Not where the database is lost.
    """
    state = _state(error)
    if state not in (*_BUSY, _CANCELED):
        return False
    if state in _BUSY and (waits := _waits.get()) is not None:
        waits.times += 1
    logger.info("passed over until the next run: %s", str(error).partition("\n")[0])
    return True


def is_too_slow(error: BaseException) -> bool:
    """Whether a statement took longer than its limit: the fault of what it works on, not of the database."""
    return _state(error) == _CANCELED


def each_in_turn(keys: Iterable[Key], work: Callable[[Key], int]) -> int:
    """Does `work` for each key, in a transaction of its own; returns the sum of what it returns. See `passes_over`."""
    done = 0
    for key in keys:
        try:
            done += work(key)
        except OperationalError as error:
            if not passes_over(error):
                raise
    return done


def _state(error: BaseException) -> str | None:
    return getattr(error.__cause__, "sqlstate", None) if isinstance(error, OperationalError) else None
