"""How many events a second: `python -m bench.ingest [--seconds 8] [--clients 8] [--batch 100]`.

Starts a Tactus of its own (no demo data), ingests over HTTP with keep-alive clients in two processes, then measures
what PostgreSQL alone does into the same table, with all its indexes: COPY, and batches through `unnest` as the store
sends them. Clients, web server and database share this machine.
"""

import argparse
import http.client
import json
import os
import platform
import statistics
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg

from billing_site.supervisor.temporary import Temporary
from usage.store.postgres.statements import INSERT

PROCESSES = 2
SPREAD = timedelta(days=15)
REGIONS = ("us-east", "us-west", "eu-central", "ap-south")
RAW_ROWS = 100_000
RAW_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one client process is to do."""

    host: str
    port: int
    key: str
    clients: int
    batch: int
    seconds: float
    name: str


def rows(name: str, start: int, count: int) -> list[tuple[str, str, str, datetime, str]]:
    """Events as a table's columns: 50 customers, timestamps over 15 days, five properties."""
    now = datetime.now(UTC)
    found = []
    for n in range(start, start + count):
        stamp = now - SPREAD * ((n * 7919 % 100_003) / 100_003)
        properties = {
            "model": f"m{n % 7}",
            "region": REGIONS[n % 4],
            "input_tokens": str(n % 5000),
            "output_tokens": str(n % 900),
            "request": f"{name}{n:x}",
        }
        found.append((f"{name}-{n}", f"customer-{n % 50}", "completion", stamp, json.dumps(properties)))
    return found


def body(name: str, start: int, count: int) -> bytes:
    """The same events as a request's body."""
    events = (
        f'{{"transaction_id":"{id_}","customer_id":"{ref}","event_type":"{kind}","timestamp":"{stamp.isoformat()}",'
        f'"properties":{properties}}}'
        for id_, ref, kind, stamp, properties in rows(name, start, count)
    )
    return f"[{','.join(events)}]".encode()


def drive(load: Load) -> list[float]:
    """Runs the clients of one process; seconds of each acknowledged request."""
    times: list[float] = []
    deadline = time.monotonic() + load.seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(load.host, load.port, timeout=30)
        headers = {"Authorization": f"Bearer {load.key}", "Content-Type": "application/json"}
        sent = 0
        while time.monotonic() < deadline:
            content = body(f"{load.name}.{number}", sent, load.batch)
            started = time.monotonic()
            connection.request("POST", "/v1/ingest", content, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"answered {answer.status}")
            times.append(time.monotonic() - started)
            sent += load.batch

    threads = [threading.Thread(target=client, args=(n,)) for n in range(load.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def over_http(tactus: Temporary, clients: int, batch: int, seconds: float) -> None:
    place = urlsplit(tactus.state["public_url"])
    key = tactus.credentials["api_key"]
    with ProcessPoolExecutor(PROCESSES) as pool:
        loads = [
            Load(place.hostname or "", place.port or 0, key, clients // PROCESSES, batch, seconds, f"{os.getpid()}.{n}")
            for n in range(PROCESSES)
        ]
        started = time.monotonic()
        times = sorted(t for found in pool.map(drive, loads) for t in found)
        elapsed = time.monotonic() - started
    with psycopg.connect(tactus.state["database_url"]) as connection:
        [stored] = connection.execute("SELECT count(*) FROM usage_usageevent").fetchone() or (0,)
    if stored != len(times) * batch:
        raise RuntimeError(f"acknowledged {len(times) * batch} events, stored {stored}")
    p99 = times[int(len(times) * 0.99)]
    print(
        f"HTTP, {clients} clients, batches of {batch}: {stored / elapsed:>9,.0f} events/s"
        f"   p50 {statistics.median(times) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms; {stored:,} in {elapsed:.1f} s"
    )


def raw(url: str, batch: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        data = rows("copy", 0, RAW_ROWS)
        now = datetime.now(UTC)
        columns = "(transaction_id, customer_ref, event_type, timestamp, properties, received_at)"
        started = time.monotonic()
        with connection.cursor().copy(f"COPY usage_usageevent {columns} FROM STDIN") as copy:
            for row in data:
                copy.write_row((*row, now))
        elapsed = time.monotonic() - started
        print(f"raw COPY, one transaction:            {RAW_ROWS / elapsed:>9,.0f} events/s")
        sent, working = 0, 0.0
        while working < RAW_SECONDS:
            columns_of = [list(column) for column in zip(*rows("unnest", sent, batch), strict=True)]
            started = time.monotonic()
            connection.execute(INSERT, [*columns_of, now])
            working += time.monotonic() - started
            sent += batch
        print(f"raw unnest, one client, batches of {batch}:  {sent / working:>9,.0f} events/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--batch", type=int, default=100)
    options = parser.parse_args()
    with Temporary(TACTUS_DEMO="0", TACTUS_LOG_LEVEL="WARNING") as tactus:
        with psycopg.connect(tactus.state["database_url"]) as connection:
            names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
            settings = [f"{name} {connection.execute(f'SHOW {name}').fetchone()[0]}" for name in names]  # type: ignore[index]
        print(f"{os.cpu_count()} CPUs, Python {platform.python_version()}, PostgreSQL " + ", ".join(settings))
        over_http(tactus, options.clients, options.batch, options.seconds)
        raw(tactus.state["database_url"], options.batch)


if __name__ == "__main__":
    main()
