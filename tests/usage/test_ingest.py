"""Ingest through the SDK: once, by id or alias, exact."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from django.db import OperationalError, connection
from metronome import BadRequestError, Metronome

from core.clock import now
from core.errors import InvalidInput
from engine.calendar import Period
from engine.usage import Aggregation, MetricSpec
from tests.usage.servers import OURS
from tests.usage.strategies import METRIC
from usage import services
from usage.intake import MAX_AGE, MAX_AHEAD, TRANSIT, read_events
from usage.selectors import UsageQuery, get_usage, list_line_events, list_recent_events
from usage.store import NewEvent, get_store
from usage.store.postgres.keys import event_key

pytestmark = pytest.mark.calendar

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def event(number: int, customer: str = "acme", units: object = "1", **changes: Any) -> dict[str, Any]:
    stamp = (now() - timedelta(minutes=number)).isoformat()
    return {
        "transaction_id": f"t{number}",
        "customer_id": customer,
        "event_type": "call",
        "timestamp": stamp,
        "properties": {"units": units},
        **changes,
    }


def units_of(customer_id: Any) -> Decimal:
    day = now().replace(hour=0, minute=0, second=0, microsecond=0)
    window = Period(day - timedelta(days=34), day + timedelta(days=2))
    query = UsageQuery(METRIC, MetricSpec(Aggregation.SUM, "units"), (window,))
    [rows] = get_usage(customer_id=customer_id, queries=[query])
    events = list_line_events(customer_id=customer_id, query=query, limit=100).events
    assert sum(Decimal(found.value or "") for found in events) == sum(row.quantity for row in rows)
    return sum((row.quantity for row in rows), Decimal(0))


def test_each_event_once_whatever_is_sent_again(sdk: Metronome, db: None) -> None:
    first = [event(n) for n in range(100)]
    assert sdk.v1.usage.ingest(usage=first) is None
    sdk.v1.usage.ingest(usage=first[::-1])
    sdk.v1.usage.ingest(usage=[*first[50:], event(100)])
    assert get_store().count(["acme"]) == 101


def test_first_content_of_an_id_wins(sdk: Metronome) -> None:
    sdk.v1.usage.ingest(usage=[event(1, units="5"), event(1, units="9")])
    sdk.v1.usage.ingest(usage=[event(1, units="50", customer="other")])
    [stored] = get_store().search(["t1"])
    assert (stored.customer_ref, stored.properties) == ("acme", {"units": "5"})


def test_by_id_and_by_alias_also_one_added_later(sdk: Metronome) -> None:
    customer = sdk.v1.customers.create(name="Acme", ingest_aliases=["acme-prod"]).data.id
    other = sdk.v1.customers.create(name="Other").data.id
    sent = [event(1, customer, "1"), event(2, "acme-prod", "10"), event(3, "acme-dev", "100"), event(4, other, "1000")]
    sdk.v1.usage.ingest(usage=sent)
    assert units_of(customer) == 11
    sdk.v1.customers.set_ingest_aliases(customer_id=customer, ingest_aliases=["acme-prod", "acme-dev"])
    assert units_of(customer) == 111
    assert units_of(other) == 1000
    assert [found.transaction_id for found in list_recent_events(customer_id=customer, limit=2)] == ["t1", "t2"]


@pytest.mark.parametrize(
    "after", [("2026-01-01", 1), (NOW.replace(tzinfo=None), 1), (NOW, 2**63), (NOW, "1"), (NOW,), ()]
)
def test_cursors_of_evidence_that_are_not_ours(db: None, after: Any) -> None:
    query = UsageQuery(METRIC, MetricSpec(Aggregation.COUNT), (Period(NOW, NOW + timedelta(days=1)),))
    with pytest.raises(InvalidInput, match="after"):
        list_line_events(customer_id=uuid4(), query=query, after=after)


def test_numbers_stay_exact(http: httpx.Client) -> None:
    sent = json.dumps([event(1, units=0), event(2, units=1)])
    body = sent.replace('"units": 0', '"units": 0.1').replace('"units": 1}', '"units": 0.20000000000000000000000001}')
    assert http.post("/v1/ingest", content=body, headers={"Content-Type": "application/json"}).status_code == 200
    stored = {found.transaction_id: found.properties["units"] for found in get_store().search(["t1", "t2"])}
    assert stored == {"t1": Decimal("0.1"), "t2": Decimal("0.20000000000000000000000001")}


def test_gzip(http: httpx.Client) -> None:
    body = gzip.compress(json.dumps([event(n) for n in range(500)]).encode())
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "gzip"}
    assert http.post("/v1/ingest", content=body, headers=headers).status_code == 200
    assert get_store().count(["acme"]) == 500


def test_a_thousand_events_and_not_one_more(http: httpx.Client) -> None:
    events = [event(n) for n in range(1001)]
    answer = http.post("/v1/ingest", json=events)
    assert (answer.status_code, get_store().count()) == (413, 0)
    assert http.post("/v1/ingest", json=events[:1000]).status_code == 200
    assert get_store().count() == 1000


def test_partial_tells_what_became_of_each_event(http: httpx.Client) -> None:
    http.post("/v1/ingest", json=[event(1)])
    sent = [event(1), event(2), event(3, timestamp="yesterday"), event(2), 5]
    answer = http.post("/v1/ingest?partial=true", json=sent).json()["data"]
    assert (answer["accepted"], answer["duplicate"], answer["rejected"]) == (1, 2, 2)
    rows = [(row["index"], row["transaction_id"], row["status"], row.get("field")) for row in answer["events"]]
    assert rows == [
        (0, "t1", "duplicate", None),
        (1, "t2", "accepted", None),
        (2, "t3", "rejected", "timestamp"),
        (3, "t2", "duplicate", None),
        (4, None, "rejected", ""),
    ]
    again = http.post("/v1/ingest?partial=true", json=sent).json()["data"]
    assert (again["accepted"], again["duplicate"], again["rejected"]) == (0, 3, 2)


def test_an_idempotency_key_replays_the_answer(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": "batch-1"}
    first = http.post("/v1/ingest?partial=true", json=[event(1)], headers=headers)
    again = http.post("/v1/ingest?partial=true", json=[json.loads(first.request.content)[0]], headers=headers)
    assert (first.json(), again.json()) == (first.json(), first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    other = http.post("/v1/ingest?partial=true", json=[event(2)], headers=headers)
    assert (other.status_code, get_store().count()) == (409, 1)


@pytest.mark.parametrize(
    ("timestamp", "accepted"),
    [
        (NOW - MAX_AGE, True),
        (NOW - MAX_AGE - TRANSIT, True),
        (NOW - MAX_AGE - TRANSIT - timedelta(microseconds=1), False),
        (NOW + MAX_AHEAD, True),
        (NOW + MAX_AHEAD + timedelta(microseconds=1), False),
    ],
)
def test_the_limits_of_time_to_the_microsecond(timestamp: datetime, accepted: bool) -> None:
    batch = read_events([event(1, timestamp=timestamp.isoformat())], now=NOW)
    assert (len(batch.events), len(batch.faults)) == ((1, 0) if accepted else (0, 1))


def test_the_sdk_gets_a_reason(sdk: Metronome, db: None) -> None:
    with pytest.raises(BadRequestError, match="event 1: timestamp is more than 34 days in the past"):
        sdk.v1.usage.ingest(usage=[event(1), event(2, timestamp="2020-01-01T00:00:00Z")])
    assert get_store().count() == 0


def test_services_may_bring_older_events(db: None) -> None:
    old = NewEvent("old", "acme", "call", NOW - timedelta(days=400), {})
    assert services.ingest(events=[old], now=NOW).accepted == ("old",)


@pytest.fixture
def stranger(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """Another client of the same database."""
    params = {
        k: v
        for k, v in connection.get_connection_params().items()
        if k in ("dbname", "user", "password", "host", "port")
    }
    with psycopg.connect(**params) as client:
        yield client


FIRST, SECOND = "b", "a"  # in the order of their keys
INSERT = "INSERT INTO usage_eventkey (key) VALUES (%s)"


def start(events: list[NewEvent]) -> tuple[threading.Thread, list[Any]]:
    """Ingests in a thread; its result or exception comes last in the list."""
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(services.ingest(events=events, now=NOW))
        except Exception as error:  # noqa: BLE001 - handed to the main thread
            found.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread, found


def waiting_backend(client: psycopg.Connection[Any]) -> int:
    """The process id of the one backend that waits for a lock."""
    query = "SELECT pid FROM pg_locks WHERE NOT granted AND locktype = 'transactionid' AND " + OURS  # noqa: S608
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        rows = client.execute(query).fetchall()
        if rows:
            return int(rows[0][0])
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def test_a_deadlock_is_tried_again(stranger: psycopg.Connection[Any]) -> None:
    """A stranger takes the second key and then the first, ingest the other way round: one gives way and begins anew."""
    stranger.execute(INSERT, [event_key(SECOND)])
    thread, found = start([NewEvent(name, "acme", "call", NOW, {}) for name in ("a", "b", "c")])
    waiting_backend(stranger)
    stranger.execute(INSERT, [event_key(FIRST)])
    stranger.commit()
    thread.join(30)
    [result] = found
    assert (result.accepted, result.duplicates) == (("c",), ("a", "b"))
    assert get_store().count() == 1


def test_losing_the_server_is_reported_and_the_batch_may_be_sent_again(stranger: psycopg.Connection[Any]) -> None:
    stranger.execute(INSERT, [event_key(SECOND)])
    events = [NewEvent(name, "acme", "call", NOW, {}) for name in ("a", "b")]
    thread, found = start(events)
    stranger.execute("SELECT pg_terminate_backend(%s)", [waiting_backend(stranger)])
    thread.join(30)
    stranger.rollback()
    assert isinstance(found[0], OperationalError)
    assert get_store().count() == 0
    assert services.ingest(events=events, now=NOW).accepted == ("a", "b")
