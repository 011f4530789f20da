"""The only clock of Tactus. Views, tasks and commands read it; everything below takes the time as an argument.

Outside production a customer may live on a test clock (customers.test_clocks): what is done for it happens in a block
of `acting_on`, in which the present is that clock's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ActingClock:
    """A test clock that stands at `at`, aware, in UTC."""

    clock_id: UUID
    at: datetime


_acting: ContextVar[ActingClock | None] = ContextVar("acting_clock", default=None)


def now() -> datetime:
    """The present instant, aware, in UTC: of the test clock that is acted on, else of the machine."""
    acting = _acting.get()
    return machine_now() if acting is None else acting.at


def machine_now() -> datetime:
    """The present of the machine, whoever is acted for: for sessions, links and keys, which run out in real time."""
    return datetime.now(UTC)


def acting_clock() -> ActingClock | None:
    """The test clock that is acted on; None: everybody who is on none."""
    return _acting.get()


@contextmanager
def acting_on(clock: ActingClock | None) -> Iterator[None]:
    """What is done in the block is done at that clock's time, and sweeps see to its customers only; None: as usual."""
    token = _acting.set(clock)
    try:
        yield
    finally:
        _acting.reset(token)
