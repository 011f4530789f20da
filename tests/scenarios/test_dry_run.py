"""A dry run says what a write would do to drafts and balances, exactly, and leaves nothing behind."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metronome import Metronome

from contracts.models import Contract
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar
DAY = timedelta(days=1)


class Agreed:
    """A contract with usage, seats, a commit and a credit; another contract of the account shares its credit."""

    def __init__(self, w: SubscriptionWorld, http: httpx.Client) -> None:
        self.w, self.http = w, http
        metric, self.product, self.card = w.priced(price=100)
        self.seat = w.priced_seat(self.card, 3000)
        self.customer = w.customer()
        w.use(self.customer, metric, 7, w.days_ago(2))
        self.start, self.end = w.days_ago(5), w.days_ago(-90)
        self.contract = w.open_contract(
            self.customer, self.card, 5, "MONTHLY",
            commits=[w.prepaid(300, self.start, self.end, [(w.days_ago(-9), 300)], priority=5)],
            subscriptions=[w.subscription(self.seat, initial_quantity=2)],
        )  # fmt: skip
        w.open_contract(self.customer, self.card, 4, "MONTHLY")
        self.credit = w.grant(self.customer, 900, self.start, self.end)
        shown = w.sdk.v2.contracts.retrieve(customer_id=self.customer, contract_id=self.contract).data
        assert shown.commits is not None
        self.commit, self.subscription = shown.commits[0].id, w.subscribed(self.customer, self.contract).id

    @property
    def ids(self) -> dict[str, Any]:
        return {"customer_id": self.customer, "contract_id": self.contract}

    def send(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = self.http.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    def dry(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        found: dict[str, Any] = self.send(path, body | {"dry_run": True}, **headers)["dry_run"]
        return found

    def writes(self) -> list[tuple[str, dict[str, Any]]]:
        """One of each kind that may be rehearsed."""
        w, ids = self.w, self.ids
        segment = next(row for row in w.held(self.customer) if row.id == self.commit).access_schedule.schedule_items[0]
        more = {"id": segment.id, "amount": 650}
        later, soon = iso(w.days_ago(-3)), iso(w.days_ago(-1))
        override = {"starting_at": iso(self.start), "product_id": self.product, "type": "MULTIPLIER", "multiplier": 0.5}
        update = {"subscription_id": self.subscription, "quantity_updates": [{"starting_at": later, "quantity": 9}]}
        seats = w.subscription(self.seat, initial_quantity=4) | {"starting_at": iso(self.start)}
        terms = {"starting_at": iso(self.start), "rate_card_id": self.card, "subscriptions": [seats]}
        return [
            ("/v2/contracts/edit", ids | {"add_overrides": [override], "update_contract_name": "Other"}),
            ("/v2/contracts/edit", ids | {"update_subscriptions": [update]}),
            ("/v2/contracts/edit", ids | {"add_subscriptions": [seats]}),
            ("/v2/contracts/commits/edit", {
                "customer_id": self.customer, "commit_id": self.commit,
                "access_schedule": {"update_schedule_items": [more]},
            }),
            ("/v2/contracts/credits/edit", {
                "customer_id": self.customer, "credit_id": self.credit, "applicable_contract_ids": [self.contract],
            }),
            ("/v1/contracts/create", {"customer_id": self.customer} | terms),
            ("/v1/contracts/updateEndDate", ids | {"ending_before": soon}),
            ("/v1/contracts/archive", ids | {"void_invoices": False}),
        ]  # fmt: skip

    def drafts(self) -> Counter[Any]:
        rows = self.w.invoices(self.customer, status="DRAFT")
        return Counter((row.type, row.contract_id, exact(row.total)) for row in rows)

    def left(self) -> dict[str, Any]:
        return {row.id: exact(row.balance) for row in self.w.held(self.customer, include_archived=True)}


def iso(at: Any) -> str:
    return str(at.isoformat())


def promised(foreseen: dict[str, Any], side: str, contract: str | None = None) -> Counter[Any]:
    """The drafts of one side; `contract`: the one that is not there yet."""
    return Counter(
        (row["type"], row.get("contract_id", contract), exact(row[side]["total"]))
        for row in foreseen["invoices"]
        if side in row
    )


def everything() -> dict[str, str]:
    """Each table of the database, whole."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {}
        for (table,) in cursor.fetchall():
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text), '') FROM {name} t")  # noqa: S608
            found[table] = cursor.fetchone()[0]
    return found


def test_nothing_is_stored(live_sdk: Metronome, live_http: httpx.Client) -> None:
    a = Agreed(SubscriptionWorld(live_sdk), live_http)
    writes = a.writes()
    drafts, left = a.drafts(), a.left()
    before = everything()
    for path, body in writes:
        a.dry(path, body, **{"Idempotency-Key": "again"})
        refused = a.http.post(path, json=body | {"dry_run": True, "customer_id": a.contract})
        assert refused.status_code in (400, 404)
    assert everything() == before
    assert (a.drafts(), a.left()) == (drafts, left)  # what the process keeps has none of it either
    path, body = writes[0]
    a.send(path, body, **{"Idempotency-Key": "again"})  # the key was never used
    assert everything() != before


def test_it_never_mixes_two_moments(live_sdk: Metronome, live_http: httpx.Client) -> None:
    """Somebody changes the contract between what a dry run has read and what it would write: it is refused."""
    a = Agreed(SubscriptionWorld(live_sdk), live_http)
    path, body = a.writes()[0]
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            row = Contract.objects.select_for_update().get(pk=a.contract)
            asked = pool.submit(a.http.post, path, json=body | {"dry_run": True})
            deadline = time.monotonic() + 20
            while not waits_for_a_lock() and time.monotonic() < deadline:
                time.sleep(0.02)
            row.name = "Meanwhile"
            row.save(update_fields=["name"])
        assert asked.result().status_code == 503
    assert a.dry(path, body)["invoices"]


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
        return bool(cursor.fetchone()[0])


def test_what_is_promised_happens(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    a = Agreed(subscriptions, http)
    for path, body in a.writes():
        drafts, left = a.drafts(), a.left()
        foreseen = a.dry(path, body)
        assert promised(foreseen, "before") == drafts, path
        assert {row["id"]: exact(row["before"]) for row in foreseen["balances"] if "before" in row} == left
        made = a.send(path, body)
        assert promised(foreseen, "after", made["id"]) == a.drafts(), path
        now_left = a.left()
        assert {row["id"]: exact(row["after"]) for row in foreseen["balances"]} == {
            row["id"]: now_left.get(row["id"], 0) for row in foreseen["balances"]
        }, path


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 40)), min_size=1, max_size=3))
def test_any_change_of_seats_is_foreseen(
    subscriptions: SubscriptionWorld, http: httpx.Client, changes: list[tuple[int, int]]
) -> None:
    a = Agreed(subscriptions, http)
    for days, quantity in changes:
        update = {"starting_at": iso(a.w.days_ago(-days)), "quantity": quantity}
        body = a.ids | {"update_subscriptions": [{"subscription_id": a.subscription, "quantity_updates": [update]}]}
        foreseen = a.dry("/v2/contracts/edit", body)
        a.send("/v2/contracts/edit", body)
        assert promised(foreseen, "after") == a.drafts()


def test_the_lines_that_change_are_told(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    a = Agreed(subscriptions, http)
    path, body = a.writes()[0]
    shown = a.send(path, body | {"dry_run": True})
    assert shown["edit"]["update_contract_name"] == "Other"
    [draft] = [
        row for row in shown["dry_run"]["invoices"]
        if row["contract_id"] == a.contract and any(line["type"] == "usage" for line in row["lines"])
    ]  # fmt: skip
    lines = [line for line in draft["lines"] if line["type"] == "usage" and line.get("product_id") == a.product]
    sums = [sum(exact(line[side]["total"]) for line in lines if side in line) for side in ("before", "after")]
    assert sums == [700, 350]  # in two parts: what the commit and what the credit pays
    assert draft["before"]["id"] == draft["after"]["id"]


def test_a_refusal_is_that_of_the_write(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    a = Agreed(subscriptions, http)
    wrong = a.ids | {"ending_before": iso(a.start - DAY)}
    refused = [http.post("/v1/contracts/updateEndDate", json=wrong | more) for more in ({"dry_run": True}, {})]
    assert [(one.status_code, one.json()) for one in refused] == [(400, refused[1].json())] * 2
    assert "must be after" in refused[0].json()["message"]
    assert http.post("/v1/contracts/archive", json=a.ids | {"void_invoices": False, "dry_run": 1}).status_code == 400
