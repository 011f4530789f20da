# ruff: noqa: PLC0415 - Django is set up in the middle
"""The group commit's parts beside others: `python -m bench group_commit [--threads 20] [--rounds 8] [--seconds 2]`.

Starts a Tactus of its own. Threads of this process reserve, wait, commit, wait, and begin again, as the requests of a
web process do, through one `GroupCommitWriter`. Measured in turn, round by round: the writer as it is, whose waiters
wake one another in turn; one that wakes all of a group at once by their futures (`FutureWriter`, below); and one that
talks to PostgreSQL through psycopg's pipeline mode (bench/psycopg_pipeline.py). Ratios are of each round's two.
"""

import argparse
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg

from bench.ingest import describe, start
from bench.measure import end_properly
from bench.pipeline import CUSTOMERS, USD, by_libpq, by_psycopg, spread
from bench.reads import django
from bench.reservations import AMOUNT, prepare
from core.errors import Unavailable
from core.postgres.group_commit import GroupCommitWriter, PendingWrite


class FutureWrite(PendingWrite[Any, Any]):
    """What waits on a `concurrent.futures.Future`."""

    def __init__(self, item: Any) -> None:
        super().__init__(item)
        self.future: Future[Any] = Future()

    def done(self) -> bool:
        return self.future.done()

    def fail(self, error: Exception) -> None:
        self.future.set_exception(error)

    def wait(self, patience: float, too_late: str) -> Any:
        try:
            return self.future.result(patience)
        except TimeoutError:
            raise Unavailable(too_late) from None


class FutureWriter(GroupCommitWriter[Any, Any]):
    """Wakes all of a group at once."""

    def _pend(self, item: Any) -> PendingWrite[Any, Any]:
        return FutureWrite(item)

    def _set_results(self, group: Sequence[Any], results: Sequence[Any]) -> None:
        for pending, result in list(zip(group, results, strict=True)):
            pending.future.set_result(result)


@dataclass(frozen=True, slots=True)
class Round:
    """Pairs a second, the process's CPU for each in microseconds, and the 99th percentile of a request in ms."""

    rate: float
    cpu: float
    p99: float


def run(writer: GroupCommitWriter[Any, Any], customers: Sequence[UUID], threads: int, seconds: float) -> Round:
    """Threads in a closed loop for so long."""
    from core.clock import now
    from reservations.services.reserving import Commit, Reserve

    end = time.perf_counter() + seconds
    times: list[float] = []
    tag = uuid4().hex

    def ask(operation: Any) -> Any:
        began = time.perf_counter()
        found = writer.submit(operation).wait(20, "late")
        times.append(time.perf_counter() - began)
        return found

    def work(number: int) -> None:
        customer, turn = customers[number % len(customers)], 0
        while time.perf_counter() < end:
            moment, turn = now(), turn + 1
            until = moment + timedelta(minutes=1)
            held = ask(Reserve(uuid4(), customer, USD, Decimal(AMOUNT), moment, until))
            ask(Commit(held.row.hold.id, moment, until, transaction_id=f"{tag}-{number}-{turn}"))

    cpu, began = time.process_time(), time.perf_counter()
    working = [threading.Thread(target=work, args=[number]) for number in range(threads)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    pairs = len(times) / 2
    ordered = sorted(times)
    return Round(
        pairs / (time.perf_counter() - began),
        (time.process_time() - cpu) / pairs * 1e6,
        ordered[int(len(ordered) * 0.99)] * 1000,
    )


def writers() -> dict[str, GroupCommitWriter[Any, Any]]:
    """The writer as it is first."""
    from core.postgres.connections import BY_KEY, connect_direct

    def writer(kind: Any, name: str, by: Callable[[psycopg.Connection[Any]], Any]) -> Any:
        carriers: dict[psycopg.Connection[Any], Any] = {}

        def connect() -> psycopg.Connection[Any]:
            made = connect_direct(f"bench-{name}", BY_KEY)
            carriers[made] = by(made)
            return made

        return kind(name, connect, lambda made, operations: carriers[made](operations), gather=0.001)

    return {
        "chain of wakes, libpq": writer(GroupCommitWriter, "chain", by_libpq),
        "futures, libpq": writer(FutureWriter, "futures", by_libpq),
        "chain of wakes, psycopg": writer(GroupCommitWriter, "psycopg", by_psycopg),
    }


def compare(customers: Sequence[UUID], options: argparse.Namespace) -> None:
    """Rounds of all, in turn."""
    sides = writers()
    names = list(sides)
    found: dict[str, list[Round]] = {name: [] for name in names}
    for writer in sides.values():
        run(writer, customers, options.threads, 0.5)
    for number in range(options.rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            found[name].append(run(sides[name], customers, options.threads, options.seconds))
    for name in names:
        rounds = found[name]
        print(
            f"{name:24} {statistics.median(one.rate for one in rounds):7,.0f} pairs/s,"
            f" process CPU {statistics.median(one.cpu for one in rounds):5,.0f} us a pair,"
            f" a request p99 {statistics.median(one.p99 for one in rounds):5.1f} ms",
            flush=True,
        )
    for name in names[1:]:
        pairs = list(zip(found[name], found[names[0]], strict=True))
        print(
            f"{name} / {names[0]}: rate {spread([a.rate / b.rate for a, b in pairs])},"
            f" CPU {spread([a.cpu / b.cpu for a, b in pairs])}, p99 {spread([a.p99 / b.p99 for a, b in pairs])};"
            f" load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    for writer in sides.values():
        writer.stop()


def main() -> None:
    end_properly()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    with start() as tactus:
        print(describe(tactus), flush=True)
        customers = [UUID(one) for one in prepare(tactus, CUSTOMERS)]
        os.environ["TACTUS_RESERVATION_FRESH_SECONDS"] = "3600"  # balances are worked out once
        with django(tactus):
            import sys

            from core.clock import now
            from reservations.services.reservations import refresh_available_balance

            sys.setswitchinterval(0.001)  # as in a web process
            for customer in customers:
                refresh_available_balance(customer_id=customer, credit_type_id=USD, now=now())
            compare(customers, options)


if __name__ == "__main__":
    main()
