"""kill -9 of every process that ingest passes through, while it runs: what was acknowledged is there, once."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from core.clock import now
from core.exact_json import dumps, loads
from supervisor.temporary import Temporary
from tests.faults.driver import Driver, until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def tactus() -> Iterator[Temporary]:
    with Temporary(TACTUS_DEMO="0", WEB_WORKERS="2") as running:
        yield running


def call(tactus: Temporary, path: str, body: dict[str, Any]) -> Any:
    """Asks as clients do, once more after a 503: a web process may not have noticed yet that the server is back."""
    headers = {"Authorization": f"Bearer {tactus.credentials['api_key']}", "Content-Type": "application/json"}
    deadline = time.monotonic() + 30
    while True:
        answer = httpx.post(f"{tactus.state['public_url']}{path}", content=dumps(body), headers=headers, timeout=30)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert answer.status_code == 200, answer.text
    return loads(answer.content)["data"]


def web_worker(tactus: Temporary) -> int:
    """The first of granian's processes that answer requests."""
    return min(child.pid for child in psutil.Process(tactus.state["children"]["web"]).children(recursive=True))


def backend(tactus: Temporary) -> int:
    """A PostgreSQL process that serves a client. Its death makes the server drop everybody and recover."""
    with psycopg.connect(tactus.state["database_url"]) as client:
        row = client.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            " ORDER BY state_change DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    return int(row[0])


def child(name: str) -> Callable[[Temporary], int]:
    return lambda tactus: int(tactus.state["children"][name])


VICTIMS: dict[str, Callable[[Temporary], int]] = {
    "worker": child("worker"),
    "web worker": web_worker,
    "PostgreSQL backend": backend,
    "web": child("web"),
    "PostgreSQL": child("postgres"),
}


def stored(tactus: Temporary, customer: str) -> dict[str, Decimal]:
    """Every event of the customer in the store; each id once, or the assertion fails."""
    query = "SELECT transaction_id, (properties ->> 'units')::numeric FROM usage_usageevent WHERE customer_ref = %s"
    with psycopg.connect(tactus.state["database_url"]) as client:
        rows = client.execute(query, [customer]).fetchall()
    found = dict(rows)
    assert len(found) == len(rows)
    return found


def usage(tactus: Temporary, customer: str, metric: str) -> Decimal:
    """What the usage API counts."""
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    question = {
        "window_size": "NONE",
        "starting_on": today - timedelta(days=1),
        "ending_before": today + timedelta(days=2),
        "customer_ids": [customer],
        "billable_metrics": [{"id": metric}],
    }
    [row] = call(tactus, "/v1/usage", question)
    return Decimal(row["value"] or 0)


def counted_up(tactus: Temporary, driver: Driver) -> None:
    """The counters moved in the same commits as the events, and every resent id with other content was recorded."""
    with psycopg.connect(tactus.state["database_url"]) as client:
        row = client.execute("SELECT sum(accepted), sum(duplicates), sum(conflicts) FROM usage_ingestminute").fetchone()
        events = client.execute(
            "SELECT count(*), (SELECT count(*) FROM usage_eventkey) FROM usage_usageevent"
        ).fetchone()
        other = client.execute("SELECT transaction_id, times FROM usage_eventconflict").fetchall()
    assert row is not None
    accepted, duplicates, conflicts = row
    assert events == (accepted, accepted) == (len(driver.sent), len(driver.sent))
    assert duplicates >= conflicts > 0
    assert sum(times for _, times in other) == conflicts
    assert {name for name, _ in other} <= driver.sent.keys()


def test_kill_during_ingest(tactus: Temporary, tmp_path: Path) -> None:
    with psycopg.connect(tactus.state["database_url"]) as client:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert client.execute(f"SHOW {setting}").fetchone() == ("on",), setting
    customer = call(tactus, "/v1/customers", {"name": "Kill"})["id"]
    metric = call(
        tactus,
        "/v1/billable-metrics/create",
        {
            "name": "units",
            "aggregation_type": "SUM",
            "aggregation_key": "units",
            "event_type_filter": {"in_values": ["kill"]},
            "property_filters": [{"name": "units", "exists": True}],
        },
    )["id"]
    driver = Driver(
        url=tactus.state["public_url"],
        api_key=tactus.credentials["api_key"],
        journal=tmp_path / "journal",
        customer=customer,
        event_type="kill",
        seed=20261120,
    )
    driver.start()
    driver.wait_for(3_000)
    for name, find in VICTIMS.items():
        victim = find(tactus)
        os.kill(victim, signal.SIGKILL)
        until(lambda victim=victim: not psutil.pid_exists(victim), 10)
        driver.wait_for(3_000)
        # Nothing that was acknowledged before this look at the store may be missing from it.
        promised = driver.acknowledged
        until(lambda promised=promised: promised.keys() <= stored(tactus, customer).keys(), 5)
        assert find(tactus) != victim, name
    driver.finish()

    assert driver.refused == []
    assert driver.interrupted > 0, "no kill was felt: the test proves nothing"
    assert driver.acknowledged == driver.sent
    assert stored(tactus, customer) == driver.sent
    assert usage(tactus, customer, metric) == driver.units
    counted_up(tactus, driver)
