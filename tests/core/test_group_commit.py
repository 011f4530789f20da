"""The writer that a process's requests share; what the two of them store is told in tests/usage and tests/balances."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from core.errors import Unavailable
from core.postgres.connections import connect_direct
from core.postgres.group_commit import GroupCommitWriter, PendingWrite

LATE = "too late"
Writer = GroupCommitWriter[int, int]


class Table:
    """Numbers above 0, each of them once; `groups`: what came together."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.connections = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def connect(self) -> psycopg.Connection[Any]:
        self.connections += 1
        return connect_direct("test-writer")

    def write(self, connection: psycopg.Connection[Any], numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        self.go_on.wait(20)
        with connection.transaction():
            connection.cursor().executemany("INSERT INTO written VALUES (%s)", [[number] for number in numbers])
        return [number * 10 for number in numbers]

    def stored(self) -> list[int]:
        with connect_direct("test-reader") as client:
            return [number for (number,) in client.execute("SELECT number FROM written ORDER BY 1").fetchall()]


@pytest.fixture
def table(transactional_db: None) -> Iterator[Table]:
    with connect_direct("test-table") as client:
        client.execute("CREATE TABLE written (number int PRIMARY KEY CHECK (number > 0))")
        yield Table()
        client.execute("DROP TABLE written")


@pytest.fixture
def make(table: Table) -> Iterator[Callable[..., Writer]]:
    made: list[Writer] = []

    def make(**options: Any) -> Writer:
        made.append(GroupCommitWriter("test-writer", table.connect, table.write, **options))
        return made[-1]

    yield make
    table.go_on.set()
    for writer in made:
        writer.stop()


def hold(table: Table, writer: Writer, number: int) -> PendingWrite[int, int]:
    """A first item that the writer is at until `table.go_on` is set."""
    table.go_on.clear()
    pending = writer.submit(number)
    deadline = time.monotonic() + 10
    while not table.groups:
        assert time.monotonic() < deadline
    return pending


def behind(table: Table, writer: Writer, *numbers: int) -> list[PendingWrite[int, int]]:
    """What waited together while the writer stored 1000."""
    first = hold(table, writer, 1000)
    pending = [writer.submit(number) for number in numbers]
    table.go_on.set()
    assert first.wait(10, LATE) == 10_000
    return pending


def end_sessions() -> None:
    with connect_direct("test-killer") as client:
        client.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'test-writer' AND datname = current_database()"
        )


def test_what_waits_shares_a_commit_and_each_gets_its_own(table: Table, make: Callable[..., Writer]) -> None:
    pending = behind(table, make(), *range(1, 30))
    assert [one.wait(10, LATE) for one in pending] == [number * 10 for number in range(1, 30)]
    assert table.groups == [[1000], list(range(1, 30))]
    assert table.stored() == [*range(1, 30), 1000]


def test_only_the_one_to_blame_hears_of_it(table: Table, make: Callable[..., Writer]) -> None:
    pending = behind(table, make(), 1, -5, 2, 1, 3)
    assert [pending[place].wait(10, LATE) for place in (0, 2, 4)] == [10, 20, 30]
    with pytest.raises(psycopg.errors.CheckViolation):
        pending[1].wait(10, LATE)
    with pytest.raises(psycopg.errors.UniqueViolation):
        pending[3].wait(10, LATE)
    assert table.stored() == [1, 2, 3, 1000]


def test_a_group_takes_items_until_they_weigh_enough(table: Table, make: Callable[..., Writer]) -> None:
    pending = behind(table, make(weigh=lambda number: number, group=7), 4, 2, 5, 9, 1, 3)
    assert [one.wait(10, LATE) for one in pending] == [40, 20, 50, 90, 10, 30]
    assert table.groups == [[1000], [4, 2, 5], [9], [1, 3]]


def test_what_would_make_too_much_wait_is_refused(table: Table, make: Callable[..., Writer]) -> None:
    writer = make(weigh=lambda number: number, waiting=1000, too_much="no more")
    first = hold(table, writer, 1000)
    others = [writer.submit(400), writer.submit(600)]
    with pytest.raises(Unavailable, match="no more"):
        writer.submit(1)
    table.go_on.set()
    assert [one.wait(10, LATE) for one in (first, *others)] == [10_000, 4_000, 6_000]
    assert writer.submit(1).wait(10, LATE) == 10


def test_who_waited_long_enough_hears_of_it_and_it_may_be_stored(table: Table, make: Callable[..., Writer]) -> None:
    pending = hold(table, make(), 1)
    with pytest.raises(Unavailable, match=LATE):
        pending.wait(0.05, LATE)
    table.go_on.set()
    assert pending.wait(10, LATE) == 10
    assert table.stored() == [1]


def test_those_who_wait_wake_one_another_past_those_who_gave_up(table: Table, make: Callable[..., Writer]) -> None:
    writer = make()
    first = hold(table, writer, 1000)
    pending = [writer.submit(number) for number in range(1, 9)]
    for place in (0, 3, 4, 7):
        with pytest.raises(Unavailable, match=LATE):
            pending[place].wait(0.05, LATE)
    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(pending[place].wait, 10, LATE) for place in (1, 2, 5, 6)]
        table.go_on.set()
        assert first.wait(10, LATE) == 10_000
        assert [other.result(5) for other in others] == [20, 30, 60, 70]


def test_an_error_of_ours_is_told_and_the_next_are_written(table: Table) -> None:
    def write(connection: psycopg.Connection[Any], numbers: Sequence[int]) -> list[int]:
        if 13 in numbers:
            raise IndexError(13)
        return table.write(connection, numbers)

    writer: Writer = GroupCommitWriter("test-writer", table.connect, write)
    with pytest.raises(IndexError):
        writer.submit(13).wait(10, LATE)
    assert writer.submit(1).wait(10, LATE) == 10
    writer.stop()


def test_a_lost_session_fails_one_group_and_an_idle_one_none(table: Table, make: Callable[..., Writer]) -> None:
    writer = make()
    pending = hold(table, writer, 1)
    end_sessions()
    table.go_on.set()
    with pytest.raises(psycopg.OperationalError):
        pending.wait(10, LATE)
    assert writer.submit(2).wait(10, LATE) == 20
    end_sessions()
    assert writer.submit(3).wait(10, LATE) == 30
    assert (table.stored(), table.connections) == ([2, 3], 3)


def test_what_was_taken_is_stored_before_the_end_and_it_may_begin_again(
    table: Table, make: Callable[..., Writer]
) -> None:
    writer = make()
    pending = behind(table, writer, 1, 2, 3)
    writer.stop()
    assert [one.done() for one in pending] == [True] * 3
    assert writer.submit(4).wait(10, LATE) == 40


def test_a_forked_process_has_a_writer_of_its_own(table: Table, make: Callable[..., Writer]) -> None:
    writer = make()
    assert writer.submit(1).wait(10, LATE) == 10
    child = os.fork()
    if not child:
        try:
            os._exit(0 if writer.submit(2).wait(10, LATE) == 20 and table.connections == 2 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert writer.submit(3).wait(10, LATE) == 30
    assert (table.stored(), table.connections) == ([1, 2, 3], 1)
