"""Reservations over the API: bad input, what is listed, who may, and that both ways in answer alike."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from metronome import Metronome

from core.clock import now
from reservations.models import Reservation, Spendable, SpendableChange
from tests.odd_input import Endpoint, faults
from tests.scenarios.reservation_world import ROUTE, ReservationWorld


@pytest.fixture
def w(sdk: Metronome, http: httpx.Client) -> ReservationWorld:
    return ReservationWorld(sdk, http)


def test_malformed_bodies(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    held = w.reserve(customer, 1)["id"]
    reserve = {
        "customer_id": customer, "amount": 1, "credit_type_id": w.schedule()["credit_type_id"], "ttl_seconds": 5,
        "transaction_id": "t", "uniqueness_key": "u",
    }  # fmt: skip
    fields = {
        "customer_id": "id?", "amount": "factor", "credit_type_id": "id?", "transaction_id": "text?",
        "uniqueness_key": "text?",
    }  # fmt: skip
    commit = {"reservation_id": held, "transaction_id": "t", "amount": 1}
    by_alias = {"ingest_alias": "nobody", "amount": 1}
    found = [
        *faults(w.http, Endpoint(f"{ROUTE}/reserve", reserve, fields, ("customer_id", "amount"))),
        *faults(w.http, Endpoint(f"{ROUTE}/reserve", by_alias, {"ingest_alias": "text?"}, ("amount",))),
        *faults(
            w.http,
            Endpoint(
                f"{ROUTE}/commit", commit, {"reservation_id": "id", "transaction_id": "text?", "amount": "factor?"},
                ("reservation_id",),
            ),
        ),
        *faults(
            w.http,
            Endpoint(f"{ROUTE}/release", {"reservation_id": held}, {"reservation_id": "id"}, ("reservation_id",)),
        ),
        *faults(
            w.http,
            Endpoint(
                f"{ROUTE}/reservations/list", {"customer_id": customer, "statuses": ["HELD"], "next_page": ""},
                {"customer_id": "id", "statuses.0": "word"}, ("customer_id",),
            ),
        ),
    ]  # fmt: skip
    assert found == []
    assert w.status(held) == "HELD"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ttl_seconds": 0}, "ttl_seconds"),
        ({"ttl_seconds": 3601}, "ttl_seconds"),
        ({"ttl_seconds": "60"}, "ttl_seconds"),
        ({"ttl_seconds": 1.5}, "ttl_seconds"),
        ({"amount": 0}, "amount"),
        ({"amount": "-0.5"}, "amount"),
        ({"ingest_alias": "both"}, "customer_id"),
        ({"credit_type_id": str(uuid4())}, "credit_type_id"),
    ],
)
def test_what_cannot_be_reserved(w: ReservationWorld, changes: dict[str, Any], field: str) -> None:
    customer, _ = w.prepaid_customer(100)
    answer = w.post("reserve", **{"customer_id": customer, "amount": 1} | changes)
    assert (answer.status_code, answer.json()["message"].split(":")[0]) == (400, field)
    assert not Reservation.objects.exists()


def test_a_refused_reserve_stores_nothing(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(10)
    answer = w.post("reserve", customer_id=customer, amount=10.5, transaction_id="t", uniqueness_key="u")
    assert answer.status_code == 402
    assert answer.json() == {"message": "the balance covers 10, not 10.5", "available": 10}
    assert answer.headers["x-should-retry"] == "false"
    assert not Reservation.objects.exists()
    assert w.reserve(customer, 10, transaction_id="t", uniqueness_key="u")["status"] == "HELD"


def test_nobody_is_404(w: ReservationWorld) -> None:
    nobody = str(uuid4())
    assert w.post("reserve", customer_id=nobody, amount=1).status_code == 404
    assert w.post("reserve", ingest_alias="nobody", amount=1).status_code == 404
    assert w.post("commit", reservation_id=nobody, transaction_id="t").status_code == 404
    assert w.post("release", reservation_id=nobody).status_code == 404
    assert w.post("reservations/list", customer_id=nobody).status_code == 404
    assert w.http.get(f"{ROUTE}/reservations/{nobody}").status_code == 404


def test_commits_that_do_not_fit(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    held = w.reserve(customer, 10)["id"]
    for body, status, words in (
        ({}, 400, "transaction_id: is needed"),
        ({"transaction_id": "t", "amount": "10.01"}, 400, "amount: must be at most what was reserved (10)"),
        ({"transaction_id": "t" * 129}, 400, "transaction_id"),
    ):
        answer = w.post("commit", reservation_id=held, **body)
        assert (answer.status_code, answer.json()["message"][: len(words)]) == (status, words)
    assert w.status(held) == "HELD"
    assert w.commit(held, transaction_id="t", amount=4)["amount"] == 4
    assert w.commit(held, transaction_id="t", amount=9)["amount"] == 4  # the first one stands


def test_scopes(w: ReservationWorld, scoped_http: Callable[..., httpx.Client]) -> None:
    customer, _ = w.prepaid_customer(100)
    body = {"customer_id": customer, "amount": 1}
    assert scoped_http("balances:read").post(f"{ROUTE}/reserve", json=body).status_code == 403
    assert (
        scoped_http("balances:read").post(f"{ROUTE}/reservations/list", json={"customer_id": customer}).status_code
        == 200
    )
    writer = scoped_http("balances:write")
    assert [writer.post(f"{ROUTE}/reserve", json=body).status_code for _ in range(2)] == [200, 200]
    other = scoped_http("usage:write")
    assert [other.post(f"{ROUTE}/reserve", json=body).status_code for _ in range(2)] == [403, 403]


def test_the_list_pages_and_filters(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    held = [w.reserve(customer, n)["id"] for n in range(1, 6)]
    w.release(held[0])
    w.commit(held[1], transaction_id="t")
    url = f"{ROUTE}/reservations/list"
    seen, cursor = [], None
    while True:
        page = w.http.post(url, json={"customer_id": customer, "limit": 2, "next_page": cursor}).json()
        seen += [row["id"] for row in page["data"]]
        cursor = page["next_page"]
        if cursor is None:
            break
    assert seen == held[::-1]
    some = w.http.post(url, json={"customer_id": customer, "statuses": ["released", "COMMITTED"]}).json()["data"]
    assert [row["id"] for row in some] == [held[1], held[0]]
    with CaptureQueriesContext(connection) as one_page:
        w.http.post(url, json={"customer_id": customer, "limit": 1})
    with CaptureQueriesContext(connection) as pages:
        w.http.post(url, json={"customer_id": customer})
    assert len(pages) == len(one_page) <= 6


def test_the_list_says_expired_as_soon_as_it_is(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    held = w.reserve(customer, 1)["id"]
    earlier = now() - timedelta(hours=1)
    Reservation.objects.update(created_at=earlier, expires_at=earlier + timedelta(seconds=1))
    url = f"{ROUTE}/reservations/list"

    def listed(*statuses: str) -> list[str]:
        return [
            row["status"]
            for row in w.http.post(url, json={"customer_id": customer, "statuses": statuses}).json()["data"]
        ]

    assert (listed("HELD"), listed("EXPIRED"), listed("EXPIRED", "HELD")) == ([], ["EXPIRED"], ["EXPIRED"])
    assert w.commit(held, transaction_id="late")["status"] == "COMMITTED"  # nobody needed it meanwhile


def test_a_reservation_costs_a_handful_of_statements(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    w.reserve(customer, 1)
    with CaptureQueriesContext(connection) as captured:
        w.reserve(customer, 1)
    # the savepoint of the use case among them, in a test
    assert len(captured) <= 5, [row["sql"][:80] for row in captured]


def is_fast(answer: httpx.Response) -> bool:
    """Only the whole application says who may frame its pages."""
    return "X-Frame-Options" not in answer.headers


def test_both_ways_in_answer_alike(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    known = w.reserve(customer, 10)["id"]
    w.commit(known, transaction_id="known")
    nobody = str(uuid4())
    for what, body in (
        ("reserve", {"customer_id": customer, "amount": 10**9}),
        ("reserve", {"customer_id": nobody, "amount": 1}),
        ("reserve", {"customer_id": customer, "amount": 1, "transaction_id": "known"}),
        ("commit", {"reservation_id": known, "transaction_id": "known"}),
        ("commit", {"reservation_id": known, "transaction_id": "other"}),
        ("commit", {"reservation_id": nobody, "transaction_id": "other"}),
        ("release", {"reservation_id": known}),
    ):
        fast = w.post(what, **body)
        whole = w.http.post(f"{ROUTE}/{what}", json=body, headers={"Idempotency-Key": uuid4().hex})
        assert (is_fast(fast), is_fast(whole)) == (True, False)
        assert (fast.status_code, fast.content) == (whole.status_code, whole.content)
        for name in ("Content-Type", "Cache-Control", "x-should-retry", "X-Content-Type-Options"):
            assert fast.headers.get(name) == whole.headers.get(name), name
    for content in (b"[", b"{}", b"[]", b'{"customer_id": 5}', b'{"amount": 1, "amount": 2}'):
        answer = w.http.post(f"{ROUTE}/reserve", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, is_fast(answer)) == (400, False)


def test_only_reservations_change_what_is_held(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    held = w.reserve(customer, 60)["id"]
    row = Reservation.objects.get(pk=held)
    other = w.reserve(customer, 1)["id"]
    w.release(other)
    forbidden: list[Callable[[], Any]] = [
        lambda: Spendable.objects.update(held=0),
        lambda: Spendable.objects.update(committed=1),
        lambda: Reservation.objects.filter(pk=held).update(amount=1),
        lambda: Reservation.objects.filter(pk=held).update(reserved=100),
        lambda: Reservation.objects.filter(pk=held).delete(),
        lambda: Reservation.objects.filter(pk=other).update(status="HELD", ended_at=None),
        lambda: Reservation.objects.create(
            spendable=row.spendable, customer_id=row.customer_id, reserved=41, amount=41, created_at=row.created_at,
            expires_at=row.expires_at,
        ),
        lambda: Reservation.objects.create(
            spendable=row.spendable, customer_id=row.customer_id, reserved=2, amount=1, created_at=row.created_at,
            expires_at=row.expires_at,
        ),
    ]  # fmt: skip
    for number, change in enumerate(forbidden):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
            raise AssertionError(number)
    spendable = Spendable.objects.get()
    assert (spendable.live, spendable.held, spendable.committed) == (100, 60, 0)


def test_changes_wait_only_until_they_are_added_up(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    w.reserve(customer, 1)
    w.grant(customer, 100, w.days_ago(5), w.days_ago(-30))
    w.grant(w.customer(), 100, w.days_ago(5), w.days_ago(-30))
    assert SpendableChange.objects.count() > 0
    assert w.reserve(customer, 1)["remaining"] == 198
    assert SpendableChange.objects.count() == 0


def test_amounts_in_the_answer_are_numbers(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    raw = w.post("reserve", customer_id=customer, amount="0.1").content
    assert b'"amount":0.1,' in raw
    assert b'"remaining":99.9}' in raw
    assert json.loads(raw)["data"]["expires_at"].endswith("Z")
