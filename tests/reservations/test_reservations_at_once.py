"""64 at once against a balance that covers 63.5: exactly 63 are told yes. Real commits, many connections."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import httpx
import pytest
from django.db import connection
from metronome import Metronome

from billing.api.balances import USD
from core.clock import now
from core.errors import NotCovered
from core.postgres.connections import connect_direct
from core.postgres.group_commit import GroupCommitWriter, PendingWrite
from reservations.models import Reservation, Spendable
from reservations.services import reservations
from reservations.services.reserving import Operation, Outcome
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.reservation_world import ReservationWorld

AT_ONCE = 64
ROUNDS = 500
COVERS = 63.5
MINUTE = timedelta(minutes=1)


class Processes:
    """As many shared writers as there are web processes; each thread belongs to one, some to none (plain Django)."""

    def __init__(self, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writers: list[GroupCommitWriter[Operation, Outcome]] = [
            GroupCommitWriter(f"tactus-reserve-{number}", reservations._connect, reservations._write, gather=0.001)
            for number in range(count)
        ]
        self.mine = threading.local()
        monkeypatch.setattr(reservations, "_writer", self)

    def submit(self, operation: Operation) -> PendingWrite[Operation, Outcome]:
        """As the writer of the process that the thread belongs to."""
        pending: PendingWrite[Operation, Outcome] = self.mine.writer.submit(operation)
        return pending

    def reserve(self, number: int, customer: UUID, amount: Decimal) -> UUID | None:
        """By one of the writers, every sixteenth thread without one. None: refused."""
        shared = number % 16 != 0
        self.mine.writer = self.writers[number % len(self.writers)]
        try:
            done = reservations.reserve(
                customer_id=customer, credit_type_id=USD, amount=amount, ttl=MINUTE, now=now(), shared=shared
            )
        except NotCovered:
            return None
        return done.row.hold.id

    def release(self, number: int, reservation: UUID) -> None:
        """By another process than the one that reserved."""
        self.mine.writer = self.writers[(number + 1) % len(self.writers)]
        reservations.release(reservation_id=reservation, now=now(), shared=True)

    def stop(self) -> None:
        for writer in self.writers:
            writer.stop()
        deadline = time.monotonic() + 10
        while not reservations.stale_balances.is_idle:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def processes(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    made = Processes(3, monkeypatch)
    yield made
    made.stop()


@pytest.mark.timeout(300)
def test_exactly_63_of_64_are_granted_500_times(live_sdk: Metronome, processes: Processes) -> None:
    w = BalanceWorld(live_sdk)
    customers = [UUID(w.customer()) for _ in range(4)]
    for customer in customers:
        w.grant(str(customer), COVERS, w.days_ago(1), w.days_ago(-1))
    go = threading.Barrier(AT_ONCE)
    counted: list[int] = []
    granted: list[list[UUID]] = [[] for _ in range(ROUNDS)]
    lock = threading.Lock()

    def give_back() -> None:
        """Between two rounds, by whoever comes last: what nobody gave back is let go as if its time were over."""
        with lock:
            counted.append(len(granted[len(counted)]))
        Reservation.objects.filter(status="HELD").update(status="EXPIRED", ended_at=now())

    done = threading.Barrier(AT_ONCE)
    over = threading.Barrier(AT_ONCE, action=give_back)

    def work(number: int) -> None:
        try:
            for turn in range(ROUNDS):
                go.wait(60)
                held = processes.reserve(number, customers[turn % len(customers)], Decimal(1))
                if held is not None:
                    granted[turn].append(held)
                done.wait(60)
                if held is not None and number % 8 == 0:
                    processes.release(number, held)
                over.wait(60)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(work, number) for number in range(AT_ONCE)]:
            future.result()
    assert counted == [63] * ROUNDS
    assert Reservation.objects.count() == 63 * ROUNDS
    assert all(row.held == 0 == row.committed for row in Spendable.objects.all())


def test_an_event_is_counted_once_at_every_moment(
    live_sdk: Metronome, live_http: httpx.Client, processes: Processes
) -> None:
    """Callers reserve, send their event and commit, in both orders; somebody looks at what is free all the time."""
    w = ReservationWorld(live_sdk, live_http)
    customer, metric = w.prepaid_customer(200)
    w.reserve(customer, 1)
    over = threading.Event()
    seen: list[tuple[Decimal, Decimal]] = []

    def look() -> None:
        """One statement, one moment: what is free, and what is left of 200 if each reservation made so far costs 1."""
        with connect_direct("watcher") as watcher:
            while not over.is_set():
                row = watcher.execute(
                    "SELECT live - held - committed, 200 - (SELECT count(*) FROM reservations_reservation)"
                    " FROM reservations_spendable"
                ).fetchone()
                assert row is not None
                seen.append(row)

    def work(number: int) -> None:
        try:
            for turn in range(12):
                held = processes.reserve(number, UUID(customer), Decimal(1))
                assert held is not None
                name = f"{customer}-{number}-{turn}"
                if turn % 2:
                    w.spend(customer, metric, 1, name)
                reservations.commit(reservation_id=held, transaction_id=name, now=now(), shared=True)
                if not turn % 2:
                    w.spend(customer, metric, 1, name)
                if turn % 3 == 0:
                    reservations.refresh_available_balance(customer_id=UUID(customer), credit_type_id=USD, now=now())
        finally:
            connection.close()

    with ThreadPoolExecutor(9) as pool:
        looking = pool.submit(look)
        for done in [pool.submit(work, number) for number in range(1, 9)]:
            done.result()
        over.set()
        looking.result()
    assert len(seen) > 50
    assert all(free <= true for free, true in seen), "something was available twice"
    assert w.free(customer) == 200 - 8 * 12 - 1
    assert Reservation.objects.filter(status="SETTLED").count() == 8 * 12
