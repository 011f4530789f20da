"""Every test begins at one stated instant, whatever day it is; `--clock 2027-01-01T00:30:00Z` moves all of them.

While tests are collected the clock stands still at that instant, so what a module reads when it is loaded and what its
tests read agree. When a test is set up (before the fixtures of its session and module are) the clock is put there again
and runs on from there: what happens later in a test is later, and nothing that waits, times out or measures is cheated.
It is the clock of this process alone (`datetime.now`, `time.time`; not `time.monotonic`):

- PostgreSQL's own `now()` is the machine's. Tactus asks for it only to sweep notes of changes that are a day old.
- A test marked `stack` talks to a Tactus of other processes, which live by the machine's clock. So does the test.
- Browser tests share one world, in which time does not run backwards: each begins where the one before it ended.

What depends on dates is marked `calendar`: `make test-calendar` runs it once at each of INSTANTS, all of them under the
local time of Berlin. What is marked `calendar(always=True)` every `make test` runs so, one instant after the other.
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from core.clock import now

ORDINARY = datetime(2026, 11, 17, 12, tzinfo=UTC)
"""A Tuesday noon with two weeks of its month behind it and two before it. The month before has 31 days, the year has
begun ten months ago, and the month before that is out of the 34 days in which events are taken."""

INSTANTS = {
    name: datetime.fromisoformat(text)
    for name, text in {
        "new-year": "2027-01-01T00:30:00Z",
        "28-february": "2027-02-28T12:00:00Z",  # the last day of the shortest month
        "29-february": "2028-02-29T12:00:00Z",
        "31-march": "2027-03-31T12:00:00Z",  # neither the month before nor the one after has such a day
        "last-hour": "2026-11-30T23:30:00Z",
        "in-the-grace": "2026-12-01T12:00:00Z",  # two months of one contract are drafts
        "dst-begins": "2026-03-29T01:05:00Z",  # in Berlin 03:05; there was no 02:05 that day
        "dst-ends": "2026-10-25T01:05:00Z",  # in Berlin 02:05 for the second time that day
    }.items()
}
"""Where what depends on dates has its edges. Far enough before the end of an hour that no test gets there."""

ZONE = "Europe/Berlin"
STARTED_IN = os.environ.get("TZ")
"""Before Django's settings put UTC there."""


def seconds(at: datetime) -> float:
    """Seconds since 1970, as time_machine takes them without changing `TZ`, which it does for a datetime."""
    return (at - datetime.fromtimestamp(0, UTC)).total_seconds()


def travel(to: datetime, *, tick: bool = True) -> time_machine.travel:
    """The clock at `to` while in the context, running on if `tick`."""
    return time_machine.travel(seconds(to), tick=tick)


def set_zone(name: str | None) -> None:
    """The local time of this process; None leaves it."""
    if name is not None:
        os.environ["TZ"] = name
        time.tzset()


class Clock:
    """The process' clock.

    `instant`: where tests begin. `began`: where this one did. `browsed`: where the last browser test ended.
    """

    def __init__(self, instant: datetime) -> None:
        self.instant = self.began = self.browsed = instant
        self._travel: time_machine.travel | None = None
        self._traveller: time_machine.Traveller | None = None

    def move(self, to: datetime, *, tick: bool) -> None:
        """Puts the clock there; `tick`: it runs on. No thread sees the machine's time in between."""
        if self._traveller is None:
            self._travel = travel(to, tick=tick)
            self._traveller = self._travel.start()
        else:
            self._traveller.move_to(seconds(to), tick=tick)
        self.began = to

    def release(self) -> None:
        """The machine's time again."""
        if self._travel is not None:
            self._travel.stop()
        self._travel = self._traveller = None
        self.began = now()


clock_key = pytest.StashKey[Clock]()


def instant_of(text: str) -> datetime:
    """`2027-01-01T00:30:00Z` (an offset is required), or the name of one of INSTANTS. Raises UsageError."""
    if text in INSTANTS:
        return INSTANTS[text]
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise pytest.UsageError(f"--clock: {error}") from error
    if read.tzinfo is None:
        raise pytest.UsageError(f"--clock: {text} names no offset from UTC")
    return read.astimezone(UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    said = f"when tests begin: {ORDINARY:%Y-%m-%dT%H:%M:%SZ} (default), or one of {', '.join(INSTANTS)}"
    parser.getgroup("clock").addoption("--clock", metavar="INSTANT", help=said)


def pytest_configure(config: pytest.Config) -> None:
    set_zone(STARTED_IN)
    asked = config.getoption("--clock")  # as text: xdist hands no other kind on
    config.stash[clock_key] = clock = Clock(instant_of(asked) if asked else ORDINARY)
    clock.move(clock.instant, tick=False)


def pytest_unconfigure(config: pytest.Config) -> None:
    if clock := config.stash.get(clock_key, None):
        clock.release()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("calendar")
    if mark and mark.kwargs.get("always") and metafunc.config.getoption("--clock") is None:
        metafunc.fixturenames.append("instant")
        metafunc.parametrize("instant", INSTANTS.values(), ids=INSTANTS, indirect=True)


def parameter(item: pytest.Item) -> datetime | None:
    """The one of INSTANTS that the test is to be run at."""
    call = getattr(item, "callspec", None)
    return None if call is None else call.params.get("instant")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    clock = item.config.stash[clock_key]
    if each := parameter(item):
        set_zone(ZONE)
        clock.move(each, tick=True)
    elif own := item.get_closest_marker("instant"):
        clock.move(own.args[0], tick=True)
    elif item.get_closest_marker("stack"):
        clock.release()
    elif item.get_closest_marker("browser"):
        clock.move(clock.browsed, tick=True)
    else:
        clock.move(clock.instant, tick=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    finally:
        if parameter(item):
            set_zone(STARTED_IN or "UTC")
        if item.get_closest_marker("browser"):
            item.config.stash[clock_key].browsed = now()


@pytest.fixture
def instant(pytestconfig: pytest.Config) -> datetime:
    """When this test began."""
    return pytestconfig.stash[clock_key].began
