# ruff: noqa: PLC0415 - Django is set up in the middle
"""psycopg's pipeline beside one by hand: `python -m bench pipeline [--groups 1,10,40] [--rounds 9] [--seconds 1.5]`.

Starts a Tactus of its own. Groups of reservations are reserved, then committed, each group in one transaction of two
exchanges with PostgreSQL, as the group commit does it: through `core.postgres.pipeline.Pipeline`, which is libpq by
hand, and through psycopg's pipeline mode with prepared statements (bench/psycopg_pipeline.py), in turn, round by
round. Ratios are of each round's two.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import psycopg

from bench.ingest import describe, start
from bench.measure import end_properly
from bench.reads import django
from bench.reservations import AMOUNT, prepare

USD = UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")
CUSTOMERS = 8


@dataclass(frozen=True, slots=True)
class Round:
    """Transactions a second, and the client's CPU for each in microseconds."""

    rate: float
    cpu: float


Carry = Callable[[Any], list[Any]]
"""Carries out operations in one transaction: the outcome of each."""


def by_psycopg(connection: psycopg.Connection[Any]) -> Carry:
    from bench.psycopg_pipeline import PsycopgPipeline
    from reservations.services.reserving import apply_operations

    connection.prepare_threshold = 0

    def carry(operations: Any) -> list[Any]:
        with PsycopgPipeline(connection) as pipeline:
            last, read_results = apply_operations(execute=pipeline.execute, operations=operations)
            rows = pipeline.commit(*last)
        return read_results(rows)

    return carry


def by_libpq(connection: psycopg.Connection[Any]) -> Carry:
    from core.postgres.pipeline import Pipeline
    from reservations.services.reserving import apply_operations

    pipeline = Pipeline.on(connection)

    def carry(operations: Any) -> list[Any]:
        last, read_results = apply_operations(execute=pipeline.execute, operations=operations)
        return read_results(pipeline.commit(*last))

    return carry


def run(carry: Carry, make: Callable[[], tuple[Any, Any]], seconds: float) -> Round:
    """Groups reserved and committed for so long."""
    done, began, cpu = 0, time.perf_counter(), time.thread_time()
    while time.perf_counter() - began < seconds:
        reserve, commit = make()
        carry(commit(carry(reserve)))
        done += 2
    return Round(done / (time.perf_counter() - began), (time.thread_time() - cpu) / done * 1e6)


def maker(customers: Sequence[UUID], size: int, moment: Any) -> Callable[[], tuple[Any, Any]]:
    """Makes a group of reservations, and what commits them."""
    from reservations.services.reserving import Commit, Reserve

    numbers = count()
    tag = uuid4().hex

    def make() -> tuple[Any, Any]:
        until = moment + timedelta(minutes=1)
        reserve = [
            Reserve(uuid4(), customers[n % len(customers)], USD, Decimal(AMOUNT), moment, until) for n in range(size)
        ]

        def commit(outcomes: Any) -> Any:
            return [Commit(one.row.hold.id, moment, until, transaction_id=f"{tag}-{next(numbers)}") for one in outcomes]

        return reserve, commit

    return make


def compare(customers: Sequence[UUID], size: int, options: argparse.Namespace, moment: Any) -> None:
    """Rounds of both, in turn."""
    from core.postgres.connections import BY_KEY, connect_direct

    make = maker(customers, size, moment)
    with (
        connect_direct("bench-psycopg", BY_KEY) as one,
        connect_direct("bench-libpq", BY_KEY) as other,
    ):
        sides = {"psycopg": by_psycopg(one), "libpq": by_libpq(other)}
        for side in sides.values():
            run(side, make, 0.3)
        found: dict[str, list[Round]] = {name: [] for name in sides}
        for number in range(options.rounds):
            for name in sorted(sides, reverse=bool(number % 2)):
                found[name].append(run(sides[name], make, options.seconds))
    for name, rounds in found.items():
        print(
            f"group of {size:3}: {name:8} {statistics.median(one.rate for one in rounds):8,.0f} transactions/s,"
            f" client CPU {statistics.median(one.cpu for one in rounds):6,.0f} us each"
        )
    pairs = list(zip(found["libpq"], found["psycopg"], strict=True))
    print(
        f"group of {size:3}: libpq / psycopg: rate {spread([a.rate / b.rate for a, b in pairs])},"
        f" client CPU {spread([a.cpu / b.cpu for a, b in pairs])}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def spread(ratios: Sequence[float]) -> str:
    """The median, and between which all but the outer quarters lie."""
    ordered = sorted(ratios)
    quarter = len(ordered) // 4
    return f"{statistics.median(ordered):.2f} ({ordered[quarter]:.2f} to {ordered[-1 - quarter]:.2f})"


def main() -> None:
    end_properly()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", default="1,10,40")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.5)
    options = parser.parse_args()
    with start() as tactus:
        print(describe(tactus), flush=True)
        customers = [UUID(one) for one in prepare(tactus, CUSTOMERS)]
        os.environ["TACTUS_RESERVATION_FRESH_SECONDS"] = "3600"  # balances are worked out once
        with django(tactus):
            from core.clock import now
            from reservations.services.reservations import refresh_available_balance

            moment = now()
            for customer in customers:
                refresh_available_balance(customer_id=customer, credit_type_id=USD, now=moment)
            for size in map(int, options.groups.split(",")):
                compare(customers, size, options, moment)


if __name__ == "__main__":
    main()
