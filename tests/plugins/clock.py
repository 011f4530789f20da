"""Every test begins at one stated instant, whatever day it is; `--clock 2027-01-01T00:30:00Z` moves all of them.

While tests are collected the clock stands still at that instant, so what a module reads when it is loaded and what its
tests read agree. When a test is set up (before the fixtures of its session and module are) the clock is put there again
and runs on from there: what happens later in a test is later, and nothing that waits, times out or measures is cheated.
It is the clock of this process alone (`datetime.now`, `time.time`; not `time.monotonic`):

- PostgreSQL's own `now()` is the machine's. Tactus asks for it only to sweep notes of changes that are a day old.
- A test marked `stack` talks to a Tactus of other processes, which live by the machine's clock. So does the test.
- Browser tests share one world, in which time does not run backwards: each begins where the one before it ended.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from core.clock import now

ORDINARY = datetime(2026, 11, 17, 12, tzinfo=UTC)
"""A Tuesday noon with two weeks of its month behind it and two before it. The month before has 31 days, the year has
begun ten months ago, and the month before that is out of the 34 days in which events are taken."""


def seconds(at: datetime) -> float:
    """Seconds since 1970, as time_machine takes them without changing `TZ`, which it does for a datetime."""
    return (at - datetime.fromtimestamp(0, UTC)).total_seconds()


def travel(to: datetime, *, tick: bool = True) -> time_machine.travel:
    """The clock at `to` while in the context, running on if `tick`."""
    return time_machine.travel(seconds(to), tick=tick)


class Clock:
    """The process' clock."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant
        self.left_at = instant
        self._travel: time_machine.travel | None = None

    def move(self, to: datetime, *, tick: bool) -> None:
        """Puts the clock there; `tick`: it runs on."""
        self.release()
        self._travel = travel(to, tick=tick)
        self._travel.start()

    def release(self) -> None:
        """The machine's time again."""
        if self._travel is not None:
            self._travel.stop()
            self._travel = None


clock_key = pytest.StashKey[Clock]()


def instant_of(text: str) -> datetime:
    """`2027-01-01T00:30:00Z`; an offset is required."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"{text} names no offset from UTC")
    return read.astimezone(UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--clock", type=instant_of, default=ORDINARY, metavar="INSTANT", help=f"when tests begin (default: {ORDINARY})"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[clock_key] = clock = Clock(config.getoption("--clock"))
    clock.move(clock.instant, tick=False)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[clock_key].release()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    clock, own = item.config.stash[clock_key], item.get_closest_marker("instant")
    if own:
        clock.move(own.args[0], tick=True)
    elif item.get_closest_marker("stack"):
        clock.release()
    elif item.get_closest_marker("browser"):
        clock.move(clock.left_at, tick=True)
    else:
        clock.move(clock.instant, tick=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    finally:
        if item.get_closest_marker("browser"):
            item.config.stash[clock_key].left_at = now()


@pytest.fixture
def instant(pytestconfig: pytest.Config) -> datetime:
    """When this test began."""
    return pytestconfig.stash[clock_key].instant
