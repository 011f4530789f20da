"""Large writes beside everybody else's reads: `python -m bench.heavy [--requests 20] [--commits 1000] [--readers 4]`.

Starts a Tactus of its own. Clients read a customer's net balance, drafts and contract, one request after another, first
alone, then while others make contracts with very many commits, all at once; these try again when they are told to.
Reported are the times of reads before and meanwhile, of each large write with its waiting, what was stored, and the
memory of the web processes before and after. Everything is on this machine and goes when the run ends.
"""

import argparse
import http.client
import json
import os
import platform
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import urlsplit

import psycopg
from metronome import Metronome

from bench.measure import end_properly, sample
from bench.reads import make_catalogue, p99
from supervisor.temporary import Temporary

SETTLES_SECONDS = 20.0


@dataclass(slots=True)
class Outcome:
    """Milliseconds of reads that were answered, and how many answers there were of each status."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


class Caller:
    """One keep-alive connection; every answer is an answer."""

    def __init__(self, tactus: Temporary) -> None:
        place = urlsplit(tactus.state["public_url"])
        self.connection = http.client.HTTPConnection(place.hostname or "", place.port or 0, timeout=120)
        self.headers = {
            "Authorization": f"Bearer {tactus.credentials['api_key']}",
            "Content-Type": "application/json",
        }

    def call(self, method: str, path: str, content: bytes | None = None) -> tuple[int, str | None, bytes]:
        """Status, Retry-After, body."""
        try:
            self.connection.request(method, path, content, self.headers)
            answer = self.connection.getresponse()
        except (BrokenPipeError, http.client.RemoteDisconnected):
            self.connection.close()
            self.connection.request(method, path, content, self.headers)
            answer = self.connection.getresponse()
        return answer.status, answer.getheader("Retry-After"), answer.read()


def read_on(tactus: Temporary, reads: list[tuple[str, str, bytes | None]], until: threading.Event) -> list[Outcome]:
    """One reader's loop; its outcome is there when `until` is set."""
    found = Outcome()
    caller = Caller(tactus)
    while not until.is_set():
        for read in reads:
            started = time.perf_counter()
            status, _, _ = caller.call(*read)
            found.times.append((time.perf_counter() - started) * 1000)
            found.statuses[status] += 1
    return [found]


class Readers:
    """Several at once, for as long as the block lasts."""

    def __init__(self, tactus: Temporary, reads: list[tuple[str, str, bytes | None]], number: int) -> None:
        self.done = threading.Event()
        self.outcomes: list[Outcome] = []
        work = lambda: self.outcomes.extend(read_on(tactus, reads, self.done))  # noqa: E731
        self.threads = [threading.Thread(target=work) for _ in range(number)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        for thread in self.threads:
            thread.join()

    def report(self, name: str) -> None:
        times = sorted(one for outcome in self.outcomes for one in outcome.times)
        statuses = sum((outcome.statuses for outcome in self.outcomes), Counter[int]())
        print(
            f"{name:24} {len(times):6} reads   p50 {statistics.median(times):7.1f} ms   p99 {p99(times):7.1f} ms"
            f"   longest {times[-1]:7.1f} ms   answers {dict(statuses)}",
            flush=True,
        )


def contract_of(customer: str, product: str, commits: int, number: int) -> bytes:
    """A contract of so many commits, each with an instalment; the instalments share a hundred dates."""
    start = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return json.dumps(
        {
            "customer_id": customer,
            "starting_at": start.isoformat(),
            "uniqueness_key": f"heavy {number}",
            "commits": [
                {
                    "product_id": product,
                    "type": "PREPAID",
                    "name": f"Commit {one}",
                    "priority": one,
                    "access_schedule": {
                        "schedule_items": [
                            {
                                "amount": 1000,
                                "starting_at": start.isoformat(),
                                "ending_before": (start + timedelta(days=366)).isoformat(),
                            }
                        ]
                    },
                    "invoice_schedule": {
                        "schedule_items": [
                            {
                                "timestamp": (start + timedelta(days=31 + one % 100)).isoformat(),
                                "unit_price": 1000,
                                "quantity": 1,
                            }
                        ]
                    },
                }
                for one in range(commits)
            ],
        }
    ).encode()


def write(tactus: Temporary, body: bytes, found: list[tuple[float, float, Counter[int]]]) -> None:
    """One contract, asked for until it is made: seconds in all, seconds of the request that made it, answers."""
    caller = Caller(tactus)
    answers: Counter[int] = Counter()
    began = time.perf_counter()
    while True:
        started = time.perf_counter()
        status, again, text = caller.call("POST", "/v1/contracts/create", body)
        answers[status] += 1
        if status == http.client.OK:
            ended = time.perf_counter()
            found.append((ended - began, ended - started, answers))
            return
        if again is None:
            raise RuntimeError(f"answered {status}: {text[:300]!r}")
        time.sleep(float(again))


def write_all(tactus: Temporary, bodies: list[bytes]) -> list[tuple[float, float, Counter[int]]]:
    """All of them at once."""
    made: list[tuple[float, float, Counter[int]]] = []
    writers = [threading.Thread(target=write, args=(tactus, body, made)) for body in bodies]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    return made


def main() -> None:
    end_properly()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    with Temporary(TACTUS_DEMO="0", TACTUS_LOG_LEVEL="ERROR") as tactus:
        sdk = Metronome(base_url=tactus.state["public_url"], bearer_token=tactus.credentials["api_key"])
        card, _ = make_catalogue(sdk)
        start = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        customer = sdk.v1.customers.create(name="Reader").data.id
        contract = sdk.v1.contracts.create(customer_id=customer, rate_card_id=card, starting_at=start).data.id
        fixed = sdk.v1.contracts.products.create(name="Commit", type="FIXED").data.id
        asked = json.dumps({"customer_id": customer}).encode()
        named = json.dumps({"customer_id": customer, "contract_id": contract}).encode()
        reads: list[tuple[str, str, bytes | None]] = [
            ("POST", "/v1/contracts/customerBalances/getNetBalance", asked),
            ("GET", f"/v1/customers/{customer}/invoices", None),
            ("POST", "/v1/contracts/get", named),
        ]
        payers = [sdk.v1.customers.create(name=f"Heavy {number}").data.id for number in range(options.requests)]
        bodies = [contract_of(payer, fixed, options.commits, number) for number, payer in enumerate(payers)]
        print(
            f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()};"
            f" {options.requests} requests of {len(bodies[0]) / 1024:,.0f} KB with {options.commits:,} commits",
            flush=True,
        )
        payer = sdk.v1.customers.create(name="Ordinary").data.id
        ordinary = [contract_of(payer, fixed, 2, options.requests + number) for number in range(options.requests)]
        write_all(tactus, ordinary)  # as many clients as later, so that threads and connections are there
        with Readers(tactus, reads, options.readers) as alone:
            time.sleep(options.seconds)
        alone.report("reads alone")
        before = sample(tactus).memory
        with Readers(tactus, reads, options.readers) as beside:
            made = write_all(tactus, bodies)
        beside.report("reads beside writes")
        answers = sum((row[2] for row in made), Counter[int]())
        print(
            f"large writes: {len(made)} of {options.requests} made; the request itself"
            f" {min(row[1] for row in made):.1f} to {max(row[1] for row in made):.1f} s;"
            f" the last after {max(row[0] for row in made):.1f} s; answers {dict(answers)}",
            flush=True,
        )
        peak = sample(tactus).memory
        with psycopg.connect(tactus.state["database_url"]) as connection:
            stored = connection.execute(
                "SELECT count(DISTINCT contract_id), count(*) FROM balances_balance WHERE customer_id <> %s", [payer]
            ).fetchone()
        time.sleep(SETTLES_SECONDS)
        after = sample(tactus).memory
        print(f"stored: {stored[0] if stored else 0} contracts, {stored[1] if stored else 0} commits", flush=True)
        print(
            f"memory of the web processes: before {before['web']:.0f} MB, at the end {peak['web']:.0f} MB,"
            f" {SETTLES_SECONDS:.0f} s later {after['web']:.0f} MB ({after['web'] / before['web'] - 1:+.0%})",
            flush=True,
        )


if __name__ == "__main__":
    main()
