"""64 clients at once against a whole Tactus with two web processes, and what a killed one leaves behind."""

import os
import signal
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest
from metronome import Metronome

from core.clock import now
from supervisor.temporary import Temporary
from tests.scenarios.balance_world import BalanceWorld

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(240)]
AT_ONCE = 64
ROUNDS = 12
ROUTE = "/tactus/v1/balances"


@pytest.fixture(scope="module")
def tactus() -> Iterator[Temporary]:
    with Temporary(TACTUS_DEMO="0", WEB_WORKERS="2") as running:
        yield running


@pytest.fixture
def clients(tactus: Temporary, tls: ssl.SSLContext) -> Iterator[list[httpx.Client]]:
    headers = {"Authorization": f"Bearer {tactus.credentials['api_key']}"}
    url = tactus.state["public_url"]
    made = [httpx.Client(base_url=url, headers=headers, timeout=30, verify=tls) for _ in range(AT_ONCE)]
    yield made
    for client in made:
        client.close()


def customer_with(tactus: Temporary, cents: float) -> str:
    sdk = Metronome(base_url=tactus.state["public_url"], bearer_token=tactus.credentials["api_key"])
    w = BalanceWorld(sdk)
    customer = w.customer()
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    w.grant(customer, cents, today, today + timedelta(days=30))
    return customer


def test_63_of_64_clients_are_told_yes_and_settle_what_they_hold(
    tactus: Temporary, clients: list[httpx.Client]
) -> None:
    customer = customer_with(tactus, 63.5)
    go = Barrier(AT_ONCE)

    def ask(client: httpx.Client) -> httpx.Response:
        go.wait(60)
        return client.post(f"{ROUTE}/reserve", json={"customer_id": customer, "amount": 1})

    def give_back(pair: tuple[httpx.Client, str]) -> int:
        return pair[0].post(f"{ROUTE}/release", json={"reservation_id": pair[1]}).status_code

    def settle(pair: tuple[httpx.Client, str]) -> int:
        body = {"reservation_id": pair[1], "transaction_id": uuid4().hex, "amount": 1}
        return pair[0].post(f"{ROUTE}/commit", json=body).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for turn in range(ROUNDS):
            answers = list(pool.map(ask, clients))
            assert sorted(answer.status_code for answer in answers) == [200] * 63 + [402]
            [no] = [answer.json() for answer in answers if answer.status_code == 402]
            assert no == {"message": "the balance covers 0.5, not 1", "available": 0.5}
            held = [answer.json()["data"]["id"] for answer in answers if answer.status_code == 200]
            assert len(set(held)) == 63
            # Each on the connection of another, so mostly on another process than the one that reserved.
            then = give_back if turn < ROUNDS - 1 else settle
            assert list(pool.map(then, zip(clients[1:], held, strict=True))) == [200] * 63
    assert clients[0].post(f"{ROUTE}/reserve", json={"customer_id": customer, "amount": 1}).status_code == 402
    assert sums_are_right(tactus)


def test_killing_a_web_process_loses_nothing_that_was_acknowledged(
    tactus: Temporary, clients: list[httpx.Client]
) -> None:
    customer = customer_with(tactus, 10**6)
    told: list[str] = []
    end = time.monotonic() + 6

    def go_on(client: httpx.Client) -> None:
        while time.monotonic() < end:
            try:
                answer = client.post(
                    f"{ROUTE}/reserve", json={"customer_id": customer, "amount": 1, "ttl_seconds": 3600}
                )
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                told.append(answer.json()["data"]["id"])

    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(go_on, client) for client in clients[:8]]
        time.sleep(2)
        os.kill(min(one.pid for one in psutil.Process(tactus.state["children"]["web"]).children()), signal.SIGKILL)
        for one in work:
            one.result()
    with psycopg.connect(tactus.state["database_url"]) as connection:
        rows: Any = connection.execute(
            "SELECT id::text FROM reservations_reservation WHERE customer_id = %s AND status = 'HELD'", [customer]
        ).fetchall()
    assert len(told) > 10
    assert set(told) <= {row[0] for row in rows}
    assert sums_are_right(tactus)


def sums_are_right(tactus: Temporary) -> bool:
    """What is held and committed is the sum of the reservations, and is covered."""
    with psycopg.connect(tactus.state["database_url"]) as connection:
        [wrong] = connection.execute(
            "SELECT count(*) FROM reservations_spendable s, LATERAL ("
            " SELECT coalesce(sum(amount) FILTER (WHERE status = 'HELD'), 0) AS held,"
            " coalesce(sum(amount) FILTER (WHERE status = 'COMMITTED'), 0) AS committed"
            " FROM reservations_reservation r WHERE r.spendable_id = s.id) rows"
            " WHERE (s.held, s.committed) <> (rows.held, rows.committed) OR s.live < s.held + s.committed"
        ).fetchone() or (1,)
    return wrong == 0
