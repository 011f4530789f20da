"""What shares a commit: each gets its own answer, in order of arrival, and nobody suffers for another's request."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import OperationalError, close_old_connections
from metronome import Metronome

from billing.api.balances import USD
from core.clock import now
from core.errors import Conflict, NotCovered, TactusError, Unavailable
from core.postgres.connections import BY_KEY, connect_direct
from core.postgres.group_commit import GroupCommitWriter
from reservations.models import Reservation, Spendable
from reservations.services import reservations
from reservations.services.reserving import Done
from tests.scenarios.balance_world import BalanceWorld
from tests.usage.servers import OURS


@pytest.fixture
def writer(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[GroupCommitWriter[Any, Any]]:
    made: GroupCommitWriter[Any, Any] = GroupCommitWriter(
        "tactus-reserve-test", lambda: connect_direct("tactus-reserve-test", BY_KEY), reservations._write, waiting=20
    )
    monkeypatch.setattr(reservations, "_writer", made)
    yield made
    made.stop()
    until_idle()


@pytest.fixture
def customer(live_sdk: Metronome) -> UUID:
    w = BalanceWorld(live_sdk)
    made = w.customer()
    w.grant(made, 100, w.days_ago(1), w.days_ago(-1))
    reservations.refresh_available_balance(customer_id=UUID(made), credit_type_id=USD, now=now())
    return UUID(made)


@pytest.fixture
def gate(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """While its transaction is open, whoever writes reservations waits."""
    with connect_direct("gate") as client:
        yield client


def until_idle() -> None:
    """Nobody reads the database any more behind the test's back."""
    deadline = time.monotonic() + 10
    while not reservations.stale_balances.is_idle:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def reserve(customer: UUID, amount: int, **more: Any) -> Done:
    return reservations.reserve(
        customer_id=customer, credit_type_id=USD, amount=Decimal(amount), ttl=timedelta(minutes=1), now=now(),
        shared=True, **more,
    )  # fmt: skip


def commit(done: Done, name: str, **more: Any) -> Done:
    return reservations.commit(reservation_id=done.row.hold.id, transaction_id=name, now=now(), shared=True, **more)


def together(gate: psycopg.Connection[Any], *work: Any) -> list[Any]:
    """All of it in one group, in this order: while one before them waits at the gate. Refusals come back."""
    gate.execute("BEGIN")
    gate.execute("SELECT 1 FROM reservations_spendable FOR UPDATE")
    found: list[Future[Any]] = []
    with ThreadPoolExecutor(len(work) + 1) as pool:
        found.append(pool.submit(attempt, work[0]))
        deadline = time.monotonic() + 10
        with connect_direct("watcher") as watcher:
            while not watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND " + OURS).fetchone():  # noqa: S608
                assert time.monotonic() < deadline
        for one in work[1:]:
            found.append(pool.submit(attempt, one))
            time.sleep(0.05)  # the order of arrival is the order here
        gate.execute("ROLLBACK")
        return [one.result() for one in found]


def attempt(work: Any) -> Any:
    try:
        return work()
    except TactusError as error:
        return error
    finally:
        close_old_connections()


def test_one_group_each_its_own_answer(
    customer: UUID, writer: GroupCommitWriter[Any, Any], gate: psycopg.Connection[Any]
) -> None:
    first, second, third = (reserve(customer, 20) for _ in range(3))
    answers = together(
        gate,
        lambda: reserve(customer, 1),
        lambda: reserve(customer, 39),
        lambda: reserve(customer, 1),
        lambda: reservations.release(reservation_id=third.row.hold.id, now=now(), shared=True),
        lambda: reserve(customer, 15),
        lambda: commit(first, "same"),
        lambda: commit(second, "same"),
        lambda: reserve(customer, 1, uniqueness_key="key"),
        lambda: reserve(customer, 1, uniqueness_key="key"),
    )
    kinds = [type(answer) for answer in answers]
    # The one that found nothing was asked again once the balance was worked out; by then something was given back.
    assert kinds[:2] == [Done, Done]
    assert kinds[3:6] == [Done, Done, Done]
    assert (kinds[6], kinds[7:]) == (Conflict, [Done, Conflict]) or (kinds[5], kinds[6]) == (Conflict, Done)
    assert "same settles another" in str(next(answer for answer in answers[5:7] if isinstance(answer, Conflict)))
    row = Spendable.objects.get()
    sums = {
        status: sum(one.amount for one in Reservation.objects.filter(status=status)) for status in ("HELD", "COMMITTED")
    }
    assert (row.held, row.committed) == (sums["HELD"], sums["COMMITTED"])
    assert row.held + row.committed <= 100


def test_a_used_event_is_refused_alone(customer: UUID, writer: GroupCommitWriter[Any, Any]) -> None:
    first, second = reserve(customer, 20), reserve(customer, 20)
    assert commit(first, "one").row.hold.status == "COMMITTED"
    with pytest.raises(Conflict, match="one settles another"):
        commit(second, "one")
    with pytest.raises(Conflict, match="one settles another"):
        reserve(customer, 1, transaction_id="one")
    with pytest.raises(NotCovered):
        reserve(customer, 61)
    assert commit(second, "two").remaining == 60


def test_an_old_balance_is_worked_out_in_passing(
    customer: UUID, live_sdk: Metronome, writer: GroupCommitWriter[Any, Any]
) -> None:
    Spendable.objects.update(as_of=now() - timedelta(seconds=3))
    before = Spendable.objects.get()
    assert reserve(customer, 1).served_stale
    assert not reserve(customer, 1).served_stale  # somebody is at it
    deadline = time.monotonic() + 10
    while Spendable.objects.get().rounds == before.rounds:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert Spendable.objects.get().as_of > before.as_of
    Spendable.objects.update(as_of=now() - timedelta(seconds=6))
    assert not reserve(customer, 1).served_stale  # too old to be granted from: worked out before


def test_losing_the_server_fails_those_who_wait_and_the_next_are_stored(
    customer: UUID, writer: GroupCommitWriter[Any, Any], gate: psycopg.Connection[Any]
) -> None:
    reserve(customer, 1)
    gate.execute("BEGIN")
    gate.execute("SELECT 1 FROM reservations_spendable FOR UPDATE")
    found: list[Exception] = []

    def lost() -> None:
        try:
            reserve(customer, 1)
        except OperationalError as error:
            found.append(error)
        finally:
            close_old_connections()

    thread = threading.Thread(target=lost)
    thread.start()
    with connect_direct("watcher") as watcher:
        while not watcher.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608
            " WHERE application_name = 'tactus-reserve-test' AND wait_event_type = 'Lock' AND " + OURS
        ).fetchall():
            pass
    thread.join()
    gate.execute("ROLLBACK")
    assert len(found) == 1
    assert reserve(customer, 1).remaining == 98


def test_too_much_waiting_is_refused(
    customer: UUID, writer: GroupCommitWriter[Any, Any], gate: psycopg.Connection[Any]
) -> None:
    reserve(customer, 1)
    answers = together(gate, *[lambda: reserve(customer, 1)] * 23)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 2  # one is being written, twenty wait
    assert Reservation.objects.count() == 22
    assert all(answer.retry_after == 1 for answer in refused)


def test_nobody_knows_it(writer: GroupCommitWriter[Any, Any], customer: UUID) -> None:
    with pytest.raises(TactusError, match="no such reservation"):
        reservations.release(reservation_id=uuid4(), now=now(), shared=True)
