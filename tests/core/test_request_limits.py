"""A request has a time limit, and writes of a process have a share of it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from core.api.request_limits import WriteShare
from core.errors import RateLimited, TookTooLong
from core.memory import return_memory
from core.postgres.time_limit import time_limit
from core.transactions import snapshot
from customers.models import Customer

LARGE = "x" * 200


@pytest.fixture
def site(settings: Any, api_key: str, wsgi: httpx.WSGITransport) -> Iterator[Callable[..., httpx.Client]]:
    """The application anew, with these settings: it reads its shares once."""
    opened: list[httpx.Client] = []

    def make(**changed: Any) -> httpx.Client:
        for name, value in changed.items():
            setattr(settings, name, value)
        client = httpx.Client(
            transport=httpx.WSGITransport(app=WSGIHandler()),
            base_url="http://testserver",
            headers={"Authorization": f"Bearer {api_key}"},
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


def test_what_takes_too_long_is_refused_and_leaves_nothing(site: Callable[..., httpx.Client]) -> None:
    http = site(TACTUS_REQUEST_SECONDS=0)
    for headers in ({}, {"Idempotency-Key": "a"}):
        answer = http.post("/v1/customers", json={"name": "Late"}, headers=headers)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert "longer than it may" in answer.json()["message"]
    assert not Customer.objects.exists()
    again = site(TACTUS_REQUEST_SECONDS=30)
    assert again.post("/v1/customers", json={"name": "Late"}, headers={"Idempotency-Key": "a"}).status_code == 200
    late_page = site(TACTUS_REQUEST_SECONDS=0).get("/readyz")
    assert late_page.status_code == 503


@pytest.mark.django_db(transaction=True)
def test_the_server_ends_a_statement_and_forgets_the_limit() -> None:
    with pytest.raises(OperationalError) as ended, time_limit(0.2), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    assert isinstance(ended.value.__cause__, QueryCanceled)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.django_db(transaction=True)
def test_each_transaction_has_the_limit_snapshots_too() -> None:
    with time_limit(50):
        for _ in range(2):
            with snapshot(), connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('statement_timeout'), current_setting('transaction_isolation')")
                limit, isolation = cursor.fetchone()
                assert isolation == "repeatable read"
                assert limit.endswith("ms") or limit == "50s"
    with pytest.raises(TookTooLong), time_limit(0), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@contextmanager
def held(share: WriteShare, *, is_heavy: bool, number: int = 1) -> Iterator[None]:
    """So many writes that are being carried out in other threads, or wait there."""
    done = threading.Event()
    started = threading.Barrier(number + 1)

    def work() -> None:
        with share.turn(is_heavy=is_heavy):
            started.wait(10)
            done.wait(10)

    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    started.wait(10)
    yield
    done.set()
    for thread in threads:
        thread.join()


def test_heavy_writes_leave_turns_to_others() -> None:
    share = WriteShare(at_once=4, heavy=1)
    with held(share, is_heavy=True):
        with pytest.raises(RateLimited) as refused, share.turn(is_heavy=True):
            pass
        assert refused.value.retry_after == 2
        with share.turn(is_heavy=False):
            pass
    with share.turn(is_heavy=True):
        pass


def test_too_many_writes_are_refused_at_once_others_wait() -> None:
    share = WriteShare(at_once=1, heavy=1)
    with held(share, is_heavy=False):
        waiting = [threading.Thread(target=lambda: share.turn(is_heavy=False).__enter__()) for _ in range(2)]
        for thread in waiting:
            thread.daemon = True
            thread.start()
        time.sleep(0.05)
        began = time.monotonic()
        with pytest.raises(RateLimited), share.turn(is_heavy=False):
            pass
        assert time.monotonic() - began < 1


def contract(customer: str, number: int) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "starting_at": datetime(2026, 11, 1, tzinfo=UTC).isoformat(),
        "name": "Small" if number < 10 else "Large",
        "overrides": [
            {"starting_at": datetime(2026, 11, 1, tzinfo=UTC).isoformat(), "type": "MULTIPLIER", "multiplier": 0.5,
             "override_specifiers": [{"product_tags": [LARGE]}]}
        ] * number,
    }  # fmt: skip


def test_a_large_write_is_told_when_to_come_again_and_its_key_is_free(site: Callable[..., httpx.Client]) -> None:
    full = site(TACTUS_HEAVY_WRITES_AT_ONCE=0)
    customer = full.post("/v1/customers", json={"name": "Customer"}).json()["data"]["id"]
    large = contract(customer, 250)
    key = {"Idempotency-Key": "large"}
    refused = full.post("/v1/contracts/create", json=large, headers=key)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "2"
    assert set(refused.json()) == {"message"}
    assert full.post("/v1/contracts/create", json=contract(customer, 1)).status_code == 200
    ingested = full.post(
        "/v1/ingest",
        content=b"[" + b" " * 70_000 + b"]",
        headers={"Idempotency-Key": "i", "Content-Type": "application/json"},
    )
    assert ingested.status_code == 400  # an empty batch: large bodies are daily bread there
    free = site(TACTUS_HEAVY_WRITES_AT_ONCE=1)
    assert free.post("/v1/contracts/create", json=large, headers=key).status_code == 200


def test_memory_can_be_returned() -> None:
    return_memory()
