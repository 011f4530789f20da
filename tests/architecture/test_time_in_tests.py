"""Tests live at the instant that tests/plugins/clock.py states: none of them asks what day it is.

`core.clock.now` and `World.now` are that instant, running on. `time.monotonic` is for deadlines and the machine's own.
"""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import now
from tests.plugins.clock import clock_key, travel

TESTS = Path(__file__).resolve().parents[1]
CLOCK = TESTS / "plugins" / "clock.py"
FILES = sorted(path for path in TESTS.rglob("*.py") if path != CLOCK)
WALL_CLOCKS = {
    "datetime.now", "datetime.today", "datetime.utcnow", "date.today", "timezone.now", "timezone.localdate",
    "timezone.localtime", "time.time", "time.time_ns", "time.localtime", "time.strftime", "time.ctime",
    "time_machine.travel",
}  # fmt: skip
# Their cases are made of the instant at which they are collected: the clock stands there until the first test begins.
WHEN_LOADED = {
    "usage/test_bad_events.py", "usage/test_bad_values.py", "usage/test_fast_intake.py", "usage/test_usage_api.py",
}  # fmt: skip


def named(tree: ast.Module) -> dict[str, str]:
    """What each imported name means: `dt` is `datetime`, `time` may be `time.time`."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def wall_clock_reads(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Where the wall clock is named, called or handed on."""
    names = named(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        first, _, rest = ast.unparse(node).partition(".")
        whole = ".".join(filter(None, (names.get(first, ""), rest)))
        if ".".join(whole.split(".")[-2:]) in WALL_CLOCKS:
            yield node.lineno, whole


def reads_when_loaded(tree: ast.Module) -> Iterator[int]:
    """Where `now()` is called as the module is loaded: outside of functions, or in their decorators and defaults."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("now", "clock.now"):
            yield node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_asks_what_day_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert list(wall_clock_reads(tree)) == []
    if str(path.relative_to(TESTS)) not in WHEN_LOADED:
        assert list(reads_when_loaded(tree)) == []


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import datetime\ndatetime.now(UTC)",
        "from datetime import datetime as dt\nx = dt.utcnow()",
        "import datetime as dt\ndt.datetime.now(dt.UTC)",
        "from datetime import date\ndate.today()",
        "from django.utils import timezone\ntimezone.now()",
        "from django.utils.timezone import now as present\npresent()",
        "from time import time\ntime()",
        "import time\nfield(default_factory=time.time)",
        "import time_machine\ntime_machine.travel(0)",
    ],
)
def test_every_way_of_asking_is_found(text: str) -> None:
    assert list(wall_clock_reads(ast.parse(text)))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("X = now()", 1),
        ("@mark(now())\ndef f(at=now()): pass", 2),
        ("class A:\n    at = [now()]", 1),
        ("def f():\n    return now()", 0),
        ("f = lambda: now()", 0),
    ],
)
def test_reads_of_a_module_that_is_loaded_are_found(text: str, count: int) -> None:
    assert len(list(reads_when_loaded(ast.parse(text)))) == count


# --- the clock itself -------------------------------------------------------------------------------------------------
SOON = timedelta(minutes=1)
ELSEWHEN = datetime(2031, 5, 6, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def when_the_module_began() -> datetime:
    return now()


def test_fixtures_of_a_module_see_the_instant(when_the_module_began: datetime, pytestconfig: pytest.Config) -> None:
    assert timedelta(0) <= when_the_module_began - pytestconfig.stash[clock_key].instant < SOON


@given(number=st.integers())
def test_drawn_cases_see_the_instant(pytestconfig: pytest.Config, number: int) -> None:
    assert timedelta(0) <= now() - pytestconfig.stash[clock_key].instant < SOON


def test_a_test_runs_on_and_the_next_begins_anew(instant: datetime) -> None:
    first = now()
    assert instant <= first <= now()
    with travel(ELSEWHEN):
        assert timedelta(0) <= now() - ELSEWHEN < SOON
    assert first <= now() < first + SOON


@pytest.mark.instant(ELSEWHEN)
def test_a_test_may_have_an_instant_of_its_own(instant: datetime) -> None:
    assert instant == ELSEWHEN
    assert timedelta(0) <= now() - ELSEWHEN < SOON
