# ruff: noqa: PLC0415 - Django is set up in the middle
"""How long reading usage takes, however much there is: `python -m bench.reads [--sizes 10000,1000000,10000000]`.

Starts a Tactus of its own (no demo data), makes one customer for each size with that many events in the current period
(straight into the table, by SQL), has the roller add them up, and then measures one customer's usage and draft invoice:
through the selectors (with the CPU time of client and database session, which other load on the machine does not
change), and over HTTP. Raw figures beside them: the same aggregate without rollups, and an empty
statement. Everything is on this machine and goes when the run ends.
"""

import argparse
import contextlib
import http.client
import json
import os
import platform
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from metronome import Metronome

from bench.measure import end_properly
from billing_site.memory import settle_memory
from supervisor.temporary import Temporary

KINDS = ("SUM", "COUNT", "MAX", "LATEST", "UNIQUE")
CHUNK = 100_000
WRITERS = 2
# 12 groups of model and region, 1,000 users, amounts with a fraction
EVENTS = """
INSERT INTO usage_usageevent (transaction_id, customer_ref, event_type, timestamp, properties, received_at)
SELECT %(ref)s || ':' || n, %(ref)s, 'completion', %(start)s::timestamptz
        + (%(end)s::timestamptz - %(start)s::timestamptz) * ((n * 7919 %% 1000003) / 1000003.0),
    jsonb_build_object('model', 'm' || n %% 4, 'region', 'r' || n %% 3, 'user', 'u' || n * 31 %% 1000,
        'tokens', ((n * 37 %% 5000) / 10.0)::text), now()
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A customer with `size` events in its current period."""

    size: int
    customer: str
    invoice: str


def make_catalogue(sdk: Metronome) -> tuple[str, list[str]]:
    """A card that prices a metric of each kind, SUM and COUNT by model and region; the card and the metrics."""
    card = sdk.v1.contracts.rate_cards.create(name="Card").data.id
    metrics = []
    for kind in KINDS:
        grouped = kind in ("SUM", "COUNT")
        key = {"COUNT": None, "UNIQUE": "user"}.get(kind, "tokens")
        names = [name for name in (key, *(("model", "region") if grouped else ())) if name]
        extra: dict[str, Any] = {"aggregation_key": key} if key else {}
        if grouped:
            extra["group_keys"] = [["model", "region"]]
        if names:
            extra["property_filters"] = [{"name": name, "exists": True} for name in names]
        metric = sdk.v1.billable_metrics.create(
            name=kind,
            aggregation_type=kind,  # type: ignore[arg-type]
            event_type_filter={"in_values": ["completion"]},
            **extra,
        ).data.id
        keys: dict[str, Any] = {"pricing_group_key": ["model"], "presentation_group_key": ["region"]} if grouped else {}
        product = sdk.v1.contracts.products.create(name=kind, type="USAGE", billable_metric_id=metric, **keys).data.id
        for model in range(4) if grouped else [None]:
            values: dict[str, Any] = {} if model is None else {"pricing_group_values": {"model": f"m{model}"}}
            sdk.v1.contracts.rate_cards.rates.add(
                rate_card_id=card,
                product_id=product,
                starting_at=datetime(2020, 1, 1, tzinfo=UTC),
                entitled=True,
                rate_type="FLAT",
                price=0.001,
                **values,
            )
        metrics.append(metric)
    return card, metrics


def make_subject(sdk: Metronome, card: str, size: int, start: datetime) -> Subject:
    customer = sdk.v1.customers.create(name=f"{size:,} events").data.id
    sdk.v1.contracts.create(customer_id=customer, rate_card_id=card, starting_at=start)
    [draft] = [row for row in sdk.v1.customers.invoices.list(customer_id=customer) if row.status == "DRAFT"]
    return Subject(size, customer, draft.id)


def fill(url: str, subject: Subject, start: datetime, end: datetime) -> None:
    """The subject's events, by a few sessions side by side."""
    chunks = iter(range(1, subject.size + 1, CHUNK))
    lock = threading.Lock()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET synchronous_commit = off")
            while True:
                with lock:
                    first = next(chunks, None)
                if first is None:
                    return
                last = min(first + CHUNK - 1, subject.size)
                names = {"ref": subject.customer, "start": start, "end": end, "first": first, "last": last}
                connection.execute(EVENTS, names)

    threads = [threading.Thread(target=work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each call, in order of length."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append((time.perf_counter() - started) * 1000)
    return sorted(found)


def backend_cpu() -> float:
    """CPU milliseconds that this process and its database session have used (Linux; to the clock tick)."""
    from django.db import connection

    connection.ensure_connection()
    stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat")
    fields = stat.read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return 1000 * (time.process_time() + ticks / os.sysconf("SC_CLK_TCK"))


def p99(times: list[float]) -> float:
    return times[min(len(times) - 1, int(len(times) * 0.99))]


class Client:
    """One keep-alive connection to the API."""

    def __init__(self, tactus: Temporary) -> None:
        place = urlsplit(tactus.state["public_url"])
        self.connection = http.client.HTTPConnection(place.hostname or "", place.port or 0, timeout=60)
        self.headers = {
            "Authorization": f"Bearer {tactus.credentials['api_key']}",
            "Content-Type": "application/json",
        }

    def ask(self, method: str, path: str, body: object = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        try:
            self.connection.request(method, path, content, self.headers)
            answer = self.connection.getresponse()
        except (BrokenPipeError, http.client.RemoteDisconnected):  # the server ended the idle connection
            self.connection.close()
            self.connection.request(method, path, content, self.headers)
            answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} answered {answer.status}: {text[:300]!r}")
        return json.loads(text)


@contextlib.contextmanager
def django(tactus: Temporary) -> Iterator[None]:
    """Django in this process, on the bench's database, its memory as in a web process."""
    os.environ |= {"DATABASE_URL": tactus.state["database_url"], "REDIS_URL": tactus.state["redis_url"]}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "billing_site.settings.dev", "TACTUS_LOG_LEVEL": "WARNING"}
    import django as framework

    framework.setup()
    settle_memory()
    yield
    from django.db import connections

    connections.close_all()


def calls(client: Client, subject: Subject, metrics: list[str]) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    from core.clock import now
    from engine.calendar import Period
    from invoices.selectors import get_invoice
    from usage.selectors import list_usage, list_usage_by_group, usage_windows

    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    first = today.replace(day=1)
    whole = Period(first, (first + timedelta(days=32)).replace(day=1))
    customer, ids = UUID(subject.customer), {UUID(metric): None for metric in metrics}
    usage = {"starting_on": whole.start.isoformat(), "ending_before": whole.end.isoformat()}
    usage |= {"customer_ids": [subject.customer], "billable_metrics": [{"id": metric} for metric in metrics]}  # type: ignore[dict-item]
    groups = {"customer_id": subject.customer, "billable_metric_id": metrics[0], "window_size": "DAY"}
    groups |= {"starting_on": usage["starting_on"], "ending_before": usage["ending_before"]}
    groups |= {"group_key": ["model", "region"]}  # type: ignore[dict-item]

    def list_whole(size: str) -> object:
        return list_usage(windows=usage_windows(whole, size), customer_ids=[customer], metrics=ids)

    return {
        "selector usage, 5 metrics, whole": lambda: list_whole("NONE"),
        "selector usage, 5 metrics, by day": lambda: list_whole("DAY"),
        "selector usage by group and day": lambda: list_usage_by_group(
            customer_id=customer,
            metric_id=UUID(metrics[0]),
            windows=usage_windows(whole, "DAY"),
            group_key=["model", "region"],
        ),
        "selector draft invoice": lambda: get_invoice(
            customer_id=customer, invoice_id=UUID(subject.invoice), now=now()
        ),
        "HTTP /v1/usage, 5 metrics, whole": lambda: client.ask("POST", "/v1/usage", usage | {"window_size": "NONE"}),
        "HTTP /v1/usage, 5 metrics, by day": lambda: client.ask("POST", "/v1/usage", usage | {"window_size": "DAY"}),
        "HTTP /v1/usage/groups by day": lambda: client.ask("POST", "/v1/usage/groups", groups),
        "HTTP draft invoice": lambda: client.ask("GET", f"/v1/customers/{subject.customer}/invoices/{subject.invoice}"),
    }


def check(subject: Subject, metrics: list[str], client: Client) -> None:
    """The counts that the API gives are those that were written."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    body = {
        "window_size": "NONE",
        "starting_on": today.replace(day=1).isoformat(),
        "ending_before": (today + timedelta(days=1)).isoformat(),
        "customer_ids": [subject.customer],
        "billable_metrics": [{"id": metrics[KINDS.index("COUNT")]}],
    }
    [row] = client.ask("POST", "/v1/usage", body)["data"]
    if row["value"] != subject.size:
        raise RuntimeError(f"{row['value']} events counted, {subject.size} written")


def raw_aggregate(url: str, subject: Subject) -> list[float]:
    """One SUM of the month over the events themselves, by the index on customer and time."""
    with psycopg.connect(url) as connection:
        query = (
            "SELECT sum((properties ->> 'tokens')::numeric) FROM usage_usageevent"
            " WHERE customer_ref = %s AND timestamp >= date_trunc('month', now(), 'UTC') AND event_type = 'completion'"
        )
        return timed(lambda: connection.execute(query, [subject.customer]).fetchall(), 3)


def roll(tactus: Temporary) -> float:
    """Rolls, beside the worker that does so too, until all events are added up; the seconds that took."""
    started = time.monotonic()
    behind = (
        "SELECT count(*) FROM usage_rollupseries"
        " WHERE NOT is_ready OR horizon <= (SELECT max(xact) FROM usage_usageevent)"
    )
    with psycopg.connect(tactus.state["database_url"], autocommit=True) as connection:
        while True:
            subprocess.run([*tactus.manage, "roll_usage"], capture_output=True, check=True)
            if connection.execute(behind).fetchone() == (0,):
                return time.monotonic() - started


def main() -> None:
    end_properly()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,1000000,10000000")
    parser.add_argument("--times", type=int, default=300)
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    now = datetime.now(UTC)
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with Temporary(TACTUS_DEMO="0", TACTUS_LOG_LEVEL="WARNING") as tactus:
        url = tactus.state["database_url"]
        sdk = Metronome(base_url=tactus.state["public_url"], bearer_token=tactus.credentials["api_key"])
        card, metrics = make_catalogue(sdk)
        subjects = [make_subject(sdk, card, size, start) for size in sizes]
        started = time.monotonic()
        for subject in subjects:
            fill(url, subject, start, now)
        filled = time.monotonic() - started
        rolled = roll(tactus)
        print(
            f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()};"
            f" {sum(sizes):,} events written in {filled:.0f} s, added up in {rolled:.0f} s more",
            flush=True,
        )
        client = Client(tactus)
        with django(tactus):
            for subject in subjects:
                check(subject, metrics, client)
            with psycopg.connect(url) as connection:
                nothing = timed(lambda: connection.execute("SELECT 1").fetchall(), options.times)
            print(f"{'empty statement':36} p50 {statistics.median(nothing):8.2f} ms   p99 {p99(nothing):8.2f} ms")
            worst: dict[str, list[float]] = {}
            for subject in subjects:
                print(f"--- {subject.size:,} events in the period; load {os.getloadavg()[0]:.1f}", flush=True)
                for name, work in calls(client, subject, metrics).items():
                    timed(work, 5)
                    used = backend_cpu()
                    times = timed(work, options.times)
                    cpu = (backend_cpu() - used) / options.times
                    own = f"   CPU {cpu:7.2f} ms" if name.startswith("selector") else ""
                    worst.setdefault(name, []).append(statistics.median(times))
                    print(
                        f"{name:36} p50 {statistics.median(times):8.2f} ms   p99 {p99(times):8.2f} ms{own}", flush=True
                    )
                print(f"{'raw: one sum without rollups':36} best {raw_aggregate(url, subject)[0]:7.2f} ms", flush=True)
        for name, medians in worst.items():
            print(f"{name:36} largest / smallest p50 {max(medians) / min(medians):.2f}")


if __name__ == "__main__":
    main()
