"""The ingest rate as the store fills up: `python -m bench grow --events 50000000 --max-seconds 3600`.

One installation, plain ingest, a line per step: events stored, rate, p99, CPU, size on disk.
"""

import argparse
import time

import psycopg

from bench.client import Shape
from bench.ingest import Load, describe, measure, prepare, start


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench grow`."""
    parser.add_argument("--events", type=int, default=50_000_000, help="stop at so many")
    parser.add_argument("--max-seconds", type=float, default=3600, help="or after so long")
    parser.add_argument("--step", type=float, default=60, help="seconds of each line")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--customers", type=int, default=50)
    parser.add_argument("--metrics", type=int, default=2)


def main(options: argparse.Namespace) -> None:
    """Steps until enough is stored or the time is up."""
    deadline = time.monotonic() + options.max_seconds
    with start() as tactus:
        print(describe(tactus), flush=True)
        ids = prepare(tactus, options.metrics)
        number, stored = 0, 0
        while stored < options.events and time.monotonic() < deadline:
            number += 1
            shape = Shape(100, options.customers)
            outcome = measure(tactus, Load(f"grow{number}", shape, options.step, options.clients), ids)
            with psycopg.connect(tactus.state["database_url"]) as connection:
                query = "SELECT sum(accepted)::bigint, pg_database_size(current_database()) FROM usage_ingestminute"
                [stored, size] = connection.execute(query).fetchone() or (0, 0)
            run = outcome.run
            print(
                f"{stored:>12,} stored, {size / 2**30:6.1f} GB: {run.events / run.seconds:>8,.0f} events/s,"
                f" p99 {run.quantile(0.99):5.0f} ms, CPU {sum(outcome.cpu.values()):5.1f} us/event,"
                f" rollups {outcome.lag:.1f} s behind",
                flush=True,
            )
