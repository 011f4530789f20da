"""Reserve + commit pairs a second over HTTP, beside what commits cost: `python -m bench reservations [--seconds 30]`.

Starts a Tactus of its own (no demo data) with customers that have credit and a contract. Keep-alive clients each
reserve, wait for the answer, commit, wait for the answer, and begin again; the event of every call is ingested too, in
batches of 100, so that reservations are settled and balances worked out while it runs. Before it, what PostgreSQL alone
does: commits of one small row each, from one session and from eight. Checks at the end that every pair is stored once.
"""

import argparse
import json
import os
import re
import selectors
import socket
import threading
import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from metronome import Metronome

from bench.client import Target
from bench.ingest import describe, start
from bench.measure import sample, spent
from supervisor.temporary import Temporary

WARM_UP: Final = 3.0
EVENTS: Final = 100
AMOUNT: Final = 5
_ID: Final = b'"id":"'
_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Run:
    """What was acknowledged. `times`: seconds of each request; `pairs`: from a reserve to its commit's answer."""

    times: "array[float]" = field(default_factory=lambda: array("d"))
    pairs: "array[float]" = field(default_factory=lambda: array("d"))
    seconds: float = 0.0
    cpu: float = 0.0
    events: int = 0


def quantile(values: "array[float]", share: float) -> float:
    """In milliseconds."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


@dataclass(slots=True)
class Client:
    """A keep-alive connection and what it waits for: a reserve, a commit, or events being stored."""

    connection: socket.socket
    customer: str
    waits_for: str = ""
    sent_at: float = 0.0
    began_at: float = 0.0
    token: str = ""
    read: bytes = b""

    def receive(self) -> bytes | None:
        """The answer, once all of it is here."""
        self.read += self.connection.recv(65536)
        head, end, body = self.read.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or (length and len(body) < int(length[1])):
            return None
        found, self.read = self.read, b""
        return found


class Load:
    """All clients, in one thread: a closed loop."""

    def __init__(self, target: Target, customers: list[str], clients: int, tag: str) -> None:
        self.target, self.tag = target, tag
        self.run = Run()
        self.number = 0
        self.calls: deque[tuple[str, str]] = deque()
        self.clients = [Client(self.connect(), customers[n % len(customers)]) for n in range(clients)]
        self.ingester = Client(self.connect(), "")

    def connect(self) -> socket.socket:
        made = socket.create_connection((self.target.host, self.target.port), timeout=60)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def send(self, client: Client, path: str, body: str, waits_for: str) -> None:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.target.host}\r\nAuthorization: Bearer {self.target.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        client.waits_for, client.sent_at = waits_for, time.monotonic()
        client.connection.sendall(head.encode())

    def reserve(self, client: Client) -> None:
        self.number += 1
        client.token = f"{self.tag}-{self.number}"
        body = f'{{"customer_id":"{client.customer}","amount":{AMOUNT}}}'
        self.send(client, "/tactus/v1/balances/reserve", body, "reserve")
        client.began_at = client.sent_at

    def ingest(self) -> None:
        if self.ingester.waits_for or len(self.calls) < EVENTS:
            return
        stamp = datetime.now(UTC).isoformat()
        events = [
            f'{{"transaction_id":"{token}","customer_id":"{customer}","event_type":"call","timestamp":"{stamp}",'
            f'"properties":{{"units":"1"}}}}'
            for token, customer in (self.calls.popleft() for _ in range(EVENTS))
        ]
        self.run.events += EVENTS
        self.send(self.ingester, "/v1/ingest", f"[{','.join(events)}]", "events")

    def answered(self, client: Client, answer: bytes) -> bool:
        """Goes on; False where the client may stop."""
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{client.waits_for} answered {answer[:400]!r}")
        moment = time.monotonic()
        waited, client.waits_for = client.waits_for, ""
        if waited == "events":
            return False
        self.run.times.append(moment - client.sent_at)
        if waited == "reserve":
            at = answer.index(_ID) + len(_ID)
            body = f'{{"reservation_id":"{answer[at : at + 36].decode()}","transaction_id":"{client.token}"}}'
            self.send(client, "/tactus/v1/balances/commit", body, "commit")
            return True
        self.run.pairs.append(moment - client.began_at)
        self.calls.append((client.token, client.customer))
        return False

    def drive(self, seconds: float) -> Run:
        """Until `seconds` are over and everything is answered."""
        began, cpu = time.monotonic(), time.process_time()
        with selectors.DefaultSelector() as selector:
            for client in (*self.clients, self.ingester):
                selector.register(client.connection, selectors.EVENT_READ, client)
            for client in self.clients:
                self.reserve(client)
            busy = len(self.clients)
            while busy or self.ingester.waits_for:
                for key, _ in selector.select(30):
                    client = key.data
                    answer = client.receive()
                    if answer is None:
                        continue
                    goes_on = self.answered(client, answer)
                    if client is not self.ingester and not goes_on:
                        if time.monotonic() - began < seconds:
                            self.reserve(client)
                        else:
                            busy -= 1
                    self.ingest()
        self.run.seconds, self.run.cpu = time.monotonic() - began, time.process_time() - cpu
        for client in (*self.clients, self.ingester):
            client.connection.close()
        return self.run


def prepare(tactus: Temporary, count: int) -> list[str]:
    """Customers with ample credit, and a contract that prices the events."""
    sdk = Metronome(base_url=tactus.state["public_url"], bearer_token=tactus.credentials["api_key"])
    metric = sdk.v1.billable_metrics.create(
        name="Calls", aggregation_type="SUM", aggregation_key="units", event_type_filter={"in_values": ["call"]},
        property_filters=[{"name": "units", "exists": True}],
    )  # fmt: skip
    product = sdk.v1.contracts.products.create(name="Calls", type="USAGE", billable_metric_id=metric.data.id).data.id
    prepaid = sdk.v1.contracts.products.create(name="Credits", type="FIXED").data.id
    card = sdk.v1.contracts.rate_cards.create(name="Card").data.id
    beginning = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sdk.v1.contracts.rate_cards.rates.add(
        rate_card_id=card, product_id=product, starting_at=beginning, entitled=True, rate_type="FLAT", price=AMOUNT
    )
    access: Any = {
        "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
        "schedule_items": [
            {"amount": 10**12, "starting_at": beginning, "ending_before": beginning + timedelta(days=90)}
        ],
    }
    customers = []
    for number in range(count):
        customer = sdk.v1.customers.create(name=f"Customer {number}").data.id
        sdk.v1.contracts.create(customer_id=customer, rate_card_id=card, starting_at=beginning)
        sdk.v1.customers.credits.create(customer_id=customer, product_id=prepaid, priority=1, access_schedule=access)
        customers.append(customer)
    return customers


def raw_commits(url: str, sessions: int, seconds: float = 3.0) -> float:
    """Commits a second of one small row each, durable, by so many sessions at once."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS bench_row; CREATE TABLE bench_row (id uuid PRIMARY KEY, amount numeric)"
        )
    counts = [0] * sessions
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while time.monotonic() < end:
                connection.execute("INSERT INTO bench_row VALUES (%s, %s)", [uuid4(), AMOUNT])
                counts[number] += 1

    threads = [threading.Thread(target=work, args=[number]) for number in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE bench_row")
    return sum(counts) / seconds


def check(tactus: Temporary, run: Run, tag: str) -> int:
    """Every acknowledged pair is stored once, nothing is held any more, and sums are those of the rows.

    Returns how many were settled by their events already.
    """
    with psycopg.connect(tactus.state["database_url"]) as connection:
        found = dict(
            connection.execute(
                "SELECT status, count(*) FROM reservations_reservation WHERE transaction_id LIKE %s GROUP BY 1",
                [f"{tag}-%"],
            ).fetchall()
        )
        wrong = connection.execute(
            "SELECT count(*) FROM reservations_spendable s, LATERAL ("
            " SELECT coalesce(sum(amount) FILTER (WHERE status = 'HELD'), 0) AS held,"
            " coalesce(sum(amount) FILTER (WHERE status = 'COMMITTED'), 0) AS committed"
            " FROM reservations_reservation r WHERE r.spendable_id = s.id) rows"
            " WHERE (s.held, s.committed) <> (rows.held, rows.committed)"
        ).fetchone()
    stored = found.get("COMMITTED", 0) + found.get("SETTLED", 0)
    if stored != len(run.pairs) or set(found) - {"COMMITTED", "SETTLED"} or wrong != (0,):
        raise RuntimeError(f"{len(run.pairs)} pairs acknowledged, stored {found}, sums that are wrong: {wrong}")
    return int(found.get("SETTLED", 0))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m bench reservations`."""
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--customers", type=int, default=8)
    parser.add_argument("--json", help="file for the figures")


def main(options: argparse.Namespace) -> None:
    """Raw commits, a warm-up, the run."""
    with start() as tactus:
        print(describe(tactus), flush=True)
        url = tactus.state["database_url"]
        raw = {sessions: raw_commits(url, sessions) for sessions in (1, 8)}
        customers = prepare(tactus, options.customers)
        place = urlsplit(tactus.state["public_url"])
        target = Target(place.hostname or "", place.port or 0, tactus.credentials["api_key"])
        Load(target, customers, options.clients, f"w{os.getpid()}").drive(WARM_UP)
        before, tag = sample(tactus), f"p{os.getpid()}"
        run = Load(target, customers, options.clients, tag).drive(options.seconds)
        after = sample(tactus)
        settled = check(tactus, run, tag)
    rate = len(run.pairs) / run.seconds
    cpu = {part: value / len(run.pairs) * 1e6 for part, value in spent(before, after).items()}
    cpu["client"] = run.cpu / len(run.pairs) * 1e6
    split = ", ".join(f"{part} {value:.0f}" for part, value in sorted(cpu.items(), key=lambda item: -item[1]))
    print(
        f"reservations: {rate:,.0f} reserve + commit pairs/s over {run.seconds:.0f} s, {len(run.pairs):,} in all, by"
        f" {options.clients} clients for {options.customers} customers (asked: 1,000); {run.events:,} events ingested,"
        f" {settled:,} settled by the end"
    )
    print(
        f"  a request p50 {quantile(run.times, 0.5):.1f} ms, p99 {quantile(run.times, 0.99):.1f} ms (asked: 50 ms);"
        f" a pair p50 {quantile(run.pairs, 0.5):.1f} ms, p99 {quantile(run.pairs, 0.99):.1f} ms"
    )
    print(
        f"  PostgreSQL alone, one small row a commit: {raw[1]:,.0f}/s by one session, {raw[8]:,.0f}/s by eight;"
        f" this is {2 * rate / raw[8]:.0%} of that in requests that are each durable"
    )
    print(f"  CPU {sum(cpu.values()):.0f} us a pair: {split}; load {os.getloadavg()[0]:.1f}", flush=True)
    if options.json:
        figures = {
            "pairs_per_second": rate, "raw_commits": raw, "cpu_us": cpu, "settled": settled,
            "request_ms": [quantile(run.times, 0.5), quantile(run.times, 0.99)],
            "pair_ms": [quantile(run.pairs, 0.5), quantile(run.pairs, 0.99)],
        }  # fmt: skip
        Path(options.json).write_text(json.dumps(figures, indent=1), encoding="utf-8")
