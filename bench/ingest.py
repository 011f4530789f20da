"""Ingest over HTTP against what PostgreSQL alone can do: `python -m bench ingest [--seconds 300]`.

Starts a Tactus of its own (no demo data) with metrics and customers, and runs on the same machine, one after another:
COPY into tables like the store's, with all their indexes and the unique key (the raw limit); ingest from keep-alive
clients, durable, deduplicated, the roller running as in production; meanwhile the time from an event's 200 until the
usage API and the draft invoice show it. Checks at the end that everything acknowledged is stored and counted once.
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from metronome import Metronome

from bench.client import Run, Shape, Target, drive, fill_in, rates, templates
from bench.measure import sample, spent
from bench.watch import watch
from supervisor.temporary import Temporary
from usage.fast_intake import read_fast
from usage.store.postgres.copy_protocol import run_script
from usage.store.postgres.copy_rows import EVENT_COLUMNS, rows_of

RAW_GROUP = 5_000
WARM_UP = 3.0


@dataclass(frozen=True, slots=True)
class Load:
    """One run: what to send, for how long, over how many connections."""

    name: str
    shape: Shape
    seconds: float
    clients: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run, for the table."""

    name: str
    run: Run
    cpu: dict[str, float]
    memory: tuple[dict[str, float], dict[str, float]]
    seen: list[float]
    lag: float


def start() -> Temporary:
    """A Tactus without demo data."""
    return Temporary(TACTUS_DEMO="0", TACTUS_LOG_LEVEL="WARNING")


def prepare(tactus: Temporary, metrics: int) -> dict[str, str]:
    """Metrics that count the events, and one customer under contract, who is watched. Their ids."""
    sdk = Metronome(base_url=tactus.state["public_url"], bearer_token=tactus.credentials["api_key"])
    groups = ["model", "region"]
    wanted: list[dict[str, Any]] = [
        {
            "name": "Tokens",
            "aggregation_type": "SUM",
            "aggregation_key": "input_tokens",
            "group_keys": [groups],
        },
        {"name": "Requests", "aggregation_type": "COUNT"},
        {"name": "Models", "aggregation_type": "UNIQUE", "aggregation_key": "model"},
        {"name": "Largest", "aggregation_type": "MAX", "aggregation_key": "output_tokens"},
    ]
    found = {}
    for terms in wanted[:metrics]:
        names = [name for name in (terms.get("aggregation_key"), *(groups if "group_keys" in terms else [])) if name]
        filters = {"property_filters": [{"name": name, "exists": True} for name in names]} if names else {}
        metric = sdk.v1.billable_metrics.create(event_type_filter={"in_values": ["completion"]}, **terms, **filters)
        found[terms["name"]] = metric.data.id
    product = sdk.v1.contracts.products.create(name="Tokens", type="USAGE", billable_metric_id=found["Tokens"]).data.id
    card = sdk.v1.contracts.rate_cards.create(name="Card").data.id
    beginning = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sdk.v1.contracts.rate_cards.rates.add(
        rate_card_id=card, product_id=product, starting_at=beginning - timedelta(days=400), entitled=True,
        rate_type="FLAT", price=1,
    )  # fmt: skip
    customer = sdk.v1.customers.create(name="Watched").data.id
    sdk.v1.contracts.create(customer_id=customer, rate_card_id=card, starting_at=beginning)
    [draft] = [row for row in sdk.v1.customers.invoices.list(customer_id=customer) if row.status == "DRAFT"]
    return {"customer": customer, "draft": draft.id, "metric": found["Tokens"]}


def measure(tactus: Temporary, load: Load, ids: dict[str, str]) -> Outcome:
    """Drives ingest, samples processes, watches one customer."""
    place, key = urlsplit(tactus.state["public_url"]), tactus.credentials["api_key"]
    target = Target(place.hostname or "", place.port or 0, key)
    tag = f"{load.name.replace(' ', '')[:12]}{os.getpid()}"
    drive(target, f"{tag}w", load.shape, WARM_UP, load.clients)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        seen = pool.apply_async(watch, [tactus.state["public_url"], key, ids, load.seconds])
        before, began = sample(tactus), datetime.now(UTC)
        run = drive(target, tag, load.shape, load.seconds, load.clients)
        after = sample(tactus)
        lag = roller_lag(tactus)
        waits = seen.get(load.seconds + 60)
    cpu = {part: value / run.events * 1e6 for part, value in spent(before, after).items()}
    cpu["client"] = run.cpu / run.events * 1e6
    check(tactus, tag, run, began)
    return Outcome(load.name, run, cpu, (before.memory, after.memory), waits, lag)


def check(tactus: Temporary, tag: str, run: Run, began: datetime) -> None:
    """Every acknowledged event is there once. Reads what came in since then: older events stay out of the caches."""
    with psycopg.connect(tactus.state["database_url"]) as connection:
        query = (
            "SELECT count(*), count(DISTINCT transaction_id) FROM usage_usageevent"
            " WHERE received_at >= %s AND transaction_id LIKE %s"
        )
        [stored, different] = connection.execute(query, [began, f"{tag}-%"]).fetchone() or (0, 0)
    wanted = run.events - run.duplicates
    if not stored == different == wanted:
        raise RuntimeError(f"{wanted} events acknowledged, {stored} stored, {different} different ids")


def roller_lag(tactus: Temporary) -> float:
    """How many seconds behind the newest event the rollups are."""
    with psycopg.connect(tactus.state["database_url"]) as connection:
        query = (
            "SELECT extract(epoch FROM max(received_at) - min(received_at)) FROM usage_usageevent"
            " WHERE xact >= (SELECT min(horizon) FROM usage_rollupseries)"
        )
        [lag] = connection.execute(query).fetchone() or (0,)
    return float(lag or 0)


def raw_copy(url: str, shape: Shape, seconds: float) -> float:
    """Events a second of COPY alone: the same rows into tables like the store's, one session, `RAW_GROUP` a commit."""
    now = datetime.now(UTC)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS bench_key, bench_event;"
            "CREATE TABLE bench_key (LIKE usage_eventkey INCLUDING ALL);"
            "CREATE TABLE bench_event (LIKE usage_usageevent INCLUDING ALL)"
        )
        script = (
            "COPY bench_key (key, digest) FROM STDIN (FORMAT binary);"
            f"COPY bench_event ({EVENT_COLUMNS}) FROM STDIN (FORMAT binary)"
        ).encode()
        working, sent = 0.0, 0
        while working < seconds:
            bodies = templates(f"raw{sent}", replace(shape, duplicates=0.0), RAW_GROUP // shape.batch)
            filled = [fill_in(body, number) for number, body in enumerate(bodies)]
            read = [read_fast(body, now=now, max_events=1000) for body in filled]
            batches = [rows_of(columns, now) for columns in read if columns is not None]
            keys = sorted(row for batch in batches for row in batch.key_rows)
            events = [row for batch in batches for row in batch.event_rows]
            started = time.monotonic()
            run_script(connection, script, (keys, events))
            working += time.monotonic() - started
            sent += len(events)
        connection.execute("DROP TABLE bench_key, bench_event")
    return sent / working


def describe(tactus: Temporary) -> str:
    """The machine and the settings that matter."""
    with psycopg.connect(tactus.state["database_url"]) as connection:
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")
        settings = [f"{name} {connection.execute(f'SHOW {name}').fetchone()[0]}" for name in names]  # type: ignore[index]
    return (
        f"{os.cpu_count()} CPUs, load before {os.getloadavg()[0]:.1f}, Python {platform.python_version()},"
        f" PostgreSQL {', '.join(settings)}"
    )


def report(outcome: Outcome, raw: float, target: float) -> None:
    """One run's figures."""
    run = outcome.run
    rate = run.events / run.seconds
    total = sum(outcome.cpu.values())
    split = ", ".join(f"{part} {value:.1f}" for part, value in sorted(outcome.cpu.items(), key=lambda item: -item[1]))
    by_minute = rates(run.marks, max(1, int(run.seconds // 10)))
    before, after = outcome.memory
    memory = ", ".join(f"{part} {before.get(part, 0):.0f} -> {after.get(part, 0):.0f} MB" for part in sorted(after))
    print(
        f"{outcome.name}: {rate:,.0f} events/s over {run.seconds:.0f} s, {run.events:,} in all (asked: {target:,.0f})"
    )
    print(
        f"  raw COPY, same tables and keys, alone: {raw:,.0f} events/s; ingest is {rate / raw:.0%} of it (asked: 33%)"
    )
    print(f"  request p50 {run.quantile(0.5):.1f} ms, p99 {run.quantile(0.99):.1f} ms (asked: 150 ms)")
    print(f"  CPU {total:.1f} us per event: {split}")
    print(f"  memory {memory}")
    if by_minute:
        print(f"  by tenth of the run, thousands/s: {' '.join(f'{value / 1000:.1f}' for value in by_minute)}")
    if outcome.seen:
        seen = sorted(outcome.seen)
        print(
            f"  accepted -> in usage and draft: p50 {statistics.median(seen):.0f} ms,"
            f" p99 {seen[min(len(seen) - 1, int(len(seen) * 0.99))]:.0f} ms of {len(seen)} (asked: 1000 ms)"
        )
    print(f"  rollups behind the newest event: {outcome.lag:.1f} s; load {os.getloadavg()[0]:.1f}", flush=True)


def shapes_of(options: argparse.Namespace) -> list[tuple[str, Shape]]:
    """The runs that were asked for."""
    plain = Shape(options.batch, options.customers, options.duplicates, options.skew)
    found = [("ingest", plain)]
    if not options.only:
        found.append(("20% duplicates, half from one customer", Shape(options.batch, options.customers, 0.2, 0.5)))
    return found


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench ingest`."""
    parser.add_argument("--seconds", type=float, default=30, help="of each run; 300 for the figures of the docs")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--customers", type=int, default=50)
    parser.add_argument("--metrics", type=int, default=2, help="1 to 4: SUM by model and region, COUNT, UNIQUE, MAX")
    parser.add_argument("--duplicates", type=float, default=0.0, help="share of events that were sent before")
    parser.add_argument("--skew", type=float, default=0.0, help="share of events of one customer")
    parser.add_argument("--only", action="store_true", help="leave out the run with duplicates and skew")
    parser.add_argument("--json", help="file for the figures")


def main(options: argparse.Namespace) -> None:
    """All runs on one installation."""
    figures: list[dict[str, object]] = []
    with start() as tactus:
        print(describe(tactus), flush=True)
        ids = prepare(tactus, options.metrics)
        first_rate = 0.0
        for name, shape in shapes_of(options):
            raw = raw_copy(tactus.state["database_url"], shape, min(10.0, max(3.0, options.seconds / 10)))
            outcome = measure(tactus, Load(name, shape, options.seconds, options.clients), ids)
            target = 50_000 if not figures else 0.7 * first_rate
            report(outcome, raw, target)
            first_rate = first_rate or outcome.run.events / outcome.run.seconds
            figures.append(as_figures(outcome, raw))
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1), encoding="utf-8")


def as_figures(outcome: Outcome, raw: float) -> dict[str, object]:
    """The run as plain data."""
    run = outcome.run
    return {
        "name": outcome.name,
        "events_per_second": run.events / run.seconds,
        "raw_copy": raw,
        "p50_ms": run.quantile(0.5),
        "p99_ms": run.quantile(0.99),
        "cpu_us": outcome.cpu,
        "memory_mb": outcome.memory,
        "seen_ms": sorted(outcome.seen),
        "lag_seconds": outcome.lag,
    }
