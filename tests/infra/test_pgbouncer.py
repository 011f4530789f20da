"""Behind a pooler that gives each transaction another session: all of it works, and no session is left changed."""

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from metronome import Metronome

from core.postgres.connections import connect_direct
from supervisor.temporary import Temporary
from tests.infra.pgbouncer import SESSIONS, Bounced, pgbouncer
from tests.infra.processes import eventually
from tests.scenarios.reservation_world import ReservationWorld
from tests.scenarios.world import Metric, exact

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(300)]
THREADS = 8


@pytest.fixture(scope="module")
def bounced() -> Iterator[Bounced]:
    with pgbouncer() as made:
        yield made


@pytest.fixture(scope="module")
def tactus(bounced: Bounced) -> Iterator[Temporary]:
    """A whole one, migrated through the pooler."""
    urls = {"DATABASE_URL": bounced.url, "DATABASE_DIRECT_URL": bounced.direct_url}
    with Temporary(TACTUS_DEMO="0", WEB_WORKERS="2", **urls) as running:
        yield running


@pytest.fixture
def w(tactus: Temporary, tls: ssl.SSLContext) -> Iterator[ReservationWorld]:
    url, key = tactus.state["public_url"], tactus.credentials["api_key"]
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30, verify=tls) as http:
        yield ReservationWorld(Metronome(base_url=url, bearer_token=key, max_retries=0), http)


def left_behind(bounced: Bounced) -> list[tuple[Any, ...]]:
    """Settings, prepared statements and locks on any session that the pooler hands out."""
    found: list[tuple[Any, ...]] = []
    with ExitStack() as stack:
        seen = set()
        for _ in range(SESSIONS):
            client = stack.enter_context(psycopg.connect(bounced.url, prepare_threshold=None))
            [[pid]] = client.execute("SELECT pg_backend_pid()").fetchall()  # its transaction stays open
            seen.add(pid)
            # What PgBouncer itself carries from session to session, and what a client may ask for as it connects.
            carried = ["DateStyle", "TimeZone", "application_name", "client_encoding", "standard_conforming_strings"]
            carried += ["transaction_isolation", "transaction_read_only", "transaction_deferrable"]  # of the next one
            found += client.execute(
                "SELECT name, setting FROM pg_settings WHERE source = 'session' AND NOT name = ANY(%s)", [carried]
            ).fetchall()
            found += client.execute("SELECT 'prepared', statement FROM pg_prepared_statements").fetchall()
            found += client.execute(
                "SELECT 'locked', objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            ).fetchall()
        assert len(seen) == SESSIONS
    return found


def send_by_many(w: ReservationWorld, customer: str, metric: Metric, batches: int) -> int:
    """Batches of five units sent at the same time; how many units."""

    def send(number: int) -> None:
        events = [w.event(customer, metric, 1) for _ in range(5)]
        headers = {"Idempotency-Key": f"{customer}-{number}"} if number % 4 == 0 else {}
        for _ in range(2):  # the second time all are duplicates
            answer = w.http.post("/v1/ingest", json=events, headers=headers)
            assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, range(batches)))
    return batches * 5


def used(w: ReservationWorld, customer: str, metric: Metric) -> Decimal:
    rows = w.sdk.v1.usage.list(
        window_size="DAY", starting_on=w.days_ago(2), ending_before=w.days_ago(-1),
        customer_ids=[customer], billable_metrics=[{"id": metric.id}],
    )  # fmt: skip
    return sum((exact(row.value) for row in rows.data if row.value is not None), Decimal(0))


def test_from_events_to_the_invoice(w: ReservationWorld, bounced: Bounced) -> None:
    customer, metric = w.prepaid_customer(1000)
    units = send_by_many(w, customer, metric, 24)
    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(lambda _: used(w, customer, metric), range(3 * THREADS))) == {units}
        drafts = list(pool.map(lambda _: w.invoice(customer), range(2 * THREADS)))
    lines = [[exact(line.total) for line in draft.line_items if line.type == "usage"] for draft in drafts]
    assert [sum(line, Decimal(0)) for line in lines] == [units] * (2 * THREADS)

    old = w.customer()
    _, product, card = metric, w.product(metric), w.card()
    w.rate(card, product, price=3)
    w.open_contract(old, card, days=40)
    w.use(old, metric, 7, w.days_ago(20))
    [final] = eventually(lambda: [row for row in w.invoices(old) if row.status == "FINALIZED"], 60)  # type: ignore[misc]
    assert exact(final.total) == 21
    pdf = eventually(lambda: w.http.get(f"/v1/customers/{old}/invoices/{final.id}/pdf").status_code == 200, 60)
    assert pdf
    assert left_behind(bounced) == []


def test_reservations_by_many(w: ReservationWorld, bounced: Bounced) -> None:
    customer, metric = w.prepaid_customer(100)

    def call(number: int) -> bool:
        answer = w.post("reserve", customer_id=customer, amount=5)
        if answer.status_code == 402:
            return False
        assert answer.status_code == 200, answer.text
        reservation = answer.json()["data"]["id"]
        w.commit(reservation, transaction_id=f"{customer}-{number}")
        w.spend(customer, metric, 5, f"{customer}-{number}")
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        granted = list(pool.map(call, range(30)))
    assert sum(granted) == 20
    assert w.free(customer) == 0
    w.sdk.v1.contracts.list_balances(customer_id=customer, include_balance=True)
    assert w.net(customer) == 0
    assert left_behind(bounced) == []


@pytest.mark.parametrize("path", ["overview", "usage", "invoices", "credits", "panels/spend", "panels/usage"])
def test_the_console(w: ReservationWorld, bounced: Bounced, path: str) -> None:
    customer, metric = w.prepaid_customer(1000)
    w.use(customer, metric, 8)
    code = w.http.post("/tactus/v1/embed/sessions", json={"customer_id": customer}).json()["data"]["code"]
    token = w.http.post("/tactus/v1/embed/exchange", json={"code": code}).json()["data"]["access_token"]
    headers = {"Authorization": f"Bearer {token}", "HX-Request": "true"}
    for _ in range(3):
        answer = w.http.get(f"/console/{path}", headers=headers)
        assert answer.status_code == 200, answer.text
    assert left_behind(bounced) == []


def test_a_pooler_that_nobody_was_told_of_is_noticed(bounced: Bounced, monkeypatch: pytest.MonkeyPatch) -> None:
    name = bounced.url.rpartition("/")[2]
    there = {"HOST": "127.0.0.1", "PORT": str(bounced.port), "NAME": name, "PASSWORD": "", "OPTIONS": {}}
    for key, value in there.items():
        monkeypatch.setitem(connection.settings_dict, key, value)
    with pytest.raises(ImproperlyConfigured, match="set DATABASE_DIRECT_URL"):
        connect_direct("test")


def test_no_process_complained(tactus: Temporary) -> None:
    for part in ("web", "worker", "roller", "beat"):
        text = (tactus.var / "log" / f"{part}.log").read_text(errors="replace")
        assert "Traceback" not in text, text[-4000:]
