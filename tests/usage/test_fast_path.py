"""The hot path in front of Django: the same answers, and what it leaves to the whole application."""

import gzip
import json
import threading
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from core.api.live_keys import TRUSTED_FOR, LiveKeys
from core.clock import now
from core.keys import create_api_key, revoke_api_key
from core.models import ApiKey
from tests.plugins.clock import travel
from tests.usage.servers import OURS
from tests.usage.test_bad_events import good
from usage import services
from usage.api import ingest
from usage.api.fast_path import FastIngest
from usage.store import get_store
from usage.store.postgres.ingest_writer import connect_to_ingest


def is_fast(answer: httpx.Response) -> bool:
    """Only the whole application says who may frame its pages."""
    return "X-Frame-Options" not in answer.headers


def event(number: int, **changes: Any) -> dict[str, Any]:
    return good(transaction_id=f"t{number}", **changes)


@pytest.fixture
def warm(http: httpx.Client) -> httpx.Client:
    """A client whose key was seen a moment ago."""
    assert not is_fast(http.post("/v1/ingest", json=[event(0)]))
    return http


def test_the_second_request_takes_the_short_way(warm: httpx.Client) -> None:
    answer = warm.post("/v1/ingest", json=[event(1), event(2)])
    assert is_fast(answer)
    assert (answer.status_code, answer.content) == (200, b"")
    packed = gzip.compress(json.dumps([event(3)]).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert is_fast(warm.post("/v1/ingest", content=packed, headers=headers))
    nested = warm.post("/v1/ingest", json=[event(4, properties={"a": {"b": [1]}})])
    assert is_fast(nested)
    assert get_store().count(["acme"]) == 5


def test_partial_answers_alike_on_both_ways(warm: httpx.Client) -> None:
    batch = [event(0), event(1), event(1)]
    answer = warm.post("/v1/ingest?partial=true", json=batch)
    assert is_fast(answer)
    statuses = [row["status"] for row in answer.json()["data"]["events"]]
    assert statuses == ["duplicate", "accepted", "duplicate"]
    again = warm.post("/v1/ingest?partial=true", json=batch, headers={"Idempotency-Key": "k"})
    assert not is_fast(again)
    assert again.json()["data"] == {
        "accepted": 0,
        "duplicate": 3,
        "rejected": 0,
        "events": [{**row, "status": "duplicate"} for row in answer.json()["data"]["events"]],
    }


@pytest.mark.parametrize(
    ("headers", "query", "body", "status"),
    [
        ({}, "", b"[{}]", 400),
        ({}, "", b"[", 400),
        ({"Content-Type": "text/plain"}, "", b"[]", 415),
        ({"Content-Encoding": "br"}, "", b"[]", 415),
        ({}, "?partial=maybe", b"[]", 400),
        ({"Authorization": "Bearer nobody"}, "", b"[]", 401),
    ],
)
def test_refusals_are_left_to_the_application(
    warm: httpx.Client, headers: dict[str, str], query: str, body: bytes, status: int
) -> None:
    answer = warm.post(f"/v1/ingest{query}", content=body, headers={"Content-Type": "application/json", **headers})
    assert not is_fast(answer)
    assert answer.status_code == status
    assert answer.json()["message"]
    assert get_store().count() == 1


def test_a_key_without_the_scope_never_gets_in(scoped_http: Any) -> None:
    client = scoped_http("usage:read")
    for _ in range(2):
        assert client.post("/v1/ingest", json=[event(1)]).status_code == 403
    assert get_store().count() == 0


def test_a_key_is_trusted_for_seconds_and_not_beyond_its_end(db: None) -> None:
    moment = now()
    key, secret = create_api_key(name="k", scopes=["*"], now=moment)
    keys = LiveKeys()
    assert keys.find(secret, now=moment) is None
    keys.remember(secret, key, now=moment)
    revoke_api_key(key_id=key.pk, now=moment)
    assert keys.find(secret, now=moment + TRUSTED_FOR - timedelta(seconds=1)) is not None
    assert keys.find(secret, now=moment + TRUSTED_FOR) is None
    key, secret = create_api_key(name="k", scopes=["*"], now=moment, expires_at=moment + timedelta(seconds=2))
    keys.remember(secret, key, now=moment)
    assert keys.find(secret, now=moment + timedelta(seconds=2)) is None


def test_a_revoked_key_goes_on_for_seconds_here_and_not_at_all_elsewhere(warm: httpx.Client) -> None:
    key = ApiKey.objects.get()
    revoke_api_key(key_id=key.pk, now=now())
    assert is_fast(warm.post("/v1/ingest", json=[event(1)]))
    assert warm.post("/v1/ingest", json=[event(2)], headers={"Idempotency-Key": "one"}).status_code == 401
    with travel(now() + TRUSTED_FOR):
        answer = warm.post("/v1/ingest", json=[event(3)])
    assert (answer.status_code, is_fast(answer)) == (401, False)
    assert get_store().count() == 2


def test_its_requests_are_not_in_the_log_and_its_faults_are(
    warm: httpx.Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.clear()
    caplog.set_level("DEBUG")
    headers = {"X-Request-ID": "seen-in-the-log"}
    assert is_fast(warm.post("/v1/ingest", json=[event(1)], headers=headers))
    assert "request_started" not in caplog.text
    assert not is_fast(warm.post("/v1/ingest", json=[event(1)], headers={**headers, "Idempotency-Key": "one"}))
    assert "request_started" in caplog.text
    caplog.clear()

    def broken(**_: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(services, "ingest_columns", broken)
    answer = warm.post("/v1/ingest", json=[event(2)], headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (500, "internal error")
    assert "/v1/ingest failed, request_id=seen-in-the-log" in caplog.text
    assert "a fault of ours" in caplog.text


def test_the_use_of_a_key_is_noted_when_it_is_looked_up(warm: httpx.Client) -> None:
    before = ApiKey.objects.get().last_used_at
    with travel(now() + TRUSTED_FOR / 2):
        assert is_fast(warm.post("/v1/ingest", json=[event(1)]))
    assert ApiKey.objects.get().last_used_at == before
    with travel(now() + timedelta(minutes=2)):
        assert not is_fast(warm.post("/v1/ingest", json=[event(2)]))
        assert ApiKey.objects.get().last_used_at != before


@pytest.mark.django_db(transaction=True)
def test_losing_the_server_is_a_503_that_may_be_sent_again() -> None:
    key, secret = create_api_key(name="k", scopes=["*"], now=now())
    ingest.live_keys.remember(secret, key, now=now())
    application = FastIngest(lambda _environ, _start: [b""], shared=True)
    headers = {"Authorization": f"Bearer {secret}"}
    with (
        httpx.Client(transport=httpx.WSGITransport(app=application), base_url="http://t", headers=headers) as client,
        connect_to_ingest() as other,
    ):
        assert client.post("/v1/ingest", json=[event(1)]).status_code == 200
        blocked(other)
        found: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: found.append(client.post("/v1/ingest", json=[event(2)])))
        thread.start()
        while not other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND " + OURS  # noqa: S608
        ).fetchall():
            pass
        thread.join()
        other.execute("ROLLBACK")
        [answer] = found
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "try again" in answer.json()["message"]
        assert client.post("/v1/ingest", json=[event(2)]).status_code == 200
    assert get_store().count() == 2
    get_store().writer.stop()  # type: ignore[attr-defined]  # lets the test database go


def blocked(client: psycopg.Connection[Any]) -> None:
    """Nobody can store anything until the client rolls back."""
    client.execute("BEGIN")
    client.execute("LOCK TABLE usage_eventkey IN EXCLUSIVE MODE")
