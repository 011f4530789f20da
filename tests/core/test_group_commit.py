"""Who waits for a shared commit is told, one after the other, whoever has given up in between."""

import threading
from collections import deque

import pytest

from core.errors import Unavailable
from core.postgres.group_commit import PendingWrite, wake_one


def settled(*numbers: int) -> tuple[list[PendingWrite[int, int]], deque[PendingWrite[int, int]]]:
    tickets = [PendingWrite[int, int](number) for number in numbers]
    waiting = deque(tickets)
    for ticket in tickets:
        ticket.settle(ticket.item * 10, waiting)
    return tickets, waiting


def test_each_wakes_the_next() -> None:
    tickets, waiting = settled(*range(1, 30))
    found: list[int] = []
    threads = [threading.Thread(target=lambda one=ticket: found.append(one.wait(10))) for ticket in tickets]
    for thread in threads:
        thread.start()
    wake_one(waiting)
    for thread in threads:
        thread.join(10)
    assert sorted(found) == [number * 10 for number in range(1, 30)]


def test_who_has_given_up_is_passed_over() -> None:
    [first, *gone, last], waiting = settled(1, 2, 3, 4)
    for ticket in gone:
        with pytest.raises(Unavailable):
            ticket.wait(0)
    wake_one(waiting)
    assert first.wait(10) == 10
    assert last.wait(10) == 40


def test_woken_at_the_last_moment() -> None:
    [first, second], waiting = settled(1, 2)
    assert first.wake()
    waiting.popleft()
    assert first.wait(0) == 10
    assert second.wait(0) == 20


def test_a_failure_is_told_alone() -> None:
    ticket, other = PendingWrite[int, int](1), PendingWrite[int, int](2)
    ticket.fail(ValueError("this one"))
    assert [ticket.is_finished, other.is_finished] == [True, False]
    with pytest.raises(ValueError, match="this one"):
        ticket.wait(10)
