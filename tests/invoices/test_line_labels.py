"""What a line says of its product and of the commit that pays it; drafts of a date say that date."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from metronome import Metronome

from tests.scenarios.subscription_world import SubscriptionWorld


@pytest.fixture
def w(sdk: Metronome) -> SubscriptionWorld:
    return SubscriptionWorld(sdk)


def shown(http: httpx.Client, customer: str, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = http.get(f"/v1/customers/{customer}/invoices", params=query).json()["data"]
    return rows


def test_a_line_carries_what_the_seller_noted_on_its_product(w: SubscriptionWorld, http: httpx.Client) -> None:
    metric = w.metric()
    product = w.product(metric, tags=["ai"], netsuite_internal_item_id="N-1", custom_fields={"erp": "4711"})
    w.sdk.v1.contracts.products.update(product_id=product, starting_at=w.days_ago(2), tags=["ai", "new"])
    plain, card = w.product(metric, name="Plain"), w.card()
    w.rate(card, product, price=100)
    w.rate(card, plain, price=1)
    paid = w.sdk.v1.contracts.products.create(name="Credits", type="FIXED", netsuite_internal_item_id="N-2").data.id
    customer = w.customer()
    credit = w.credit(150, w.days_ago(5), w.days_ago(-5)) | {"product_id": paid, "applicable_product_ids": [product]}
    w.open_contract(customer, card, 5, "WEEKLY", credits=[credit])
    w.use(customer, metric, 2, w.days_ago(4))
    for _ in range(2):  # as a draft, then finalized
        [first, *_] = shown(http, customer)
        lines = {(line["name"], line["type"]): line for line in first["line_items"]}
        used, bare = lines["Tokens", "usage"], lines["Plain", "usage"]
        applied = next(line for line in first["line_items"] if line["type"] == "applied_commit_or_credit")
        for line in (used, applied):
            assert line["product_tags"] == ["ai", "new"]
            assert line["netsuite_item_id"] == "N-1"
            assert line["custom_fields"] == line["product_custom_fields"] == {"erp": "4711"}
        assert applied["commit_netsuite_item_id"] == "N-2"
        assert "commit_netsuite_item_id" not in used
        assert not bare.keys() & {"product_tags", "netsuite_item_id", "custom_fields", "is_prorated", "origin"}
        w.run_due_work(until=w.now + timedelta(days=5))


def test_a_subscription_line_says_whether_it_is_for_a_part(w: SubscriptionWorld, http: httpx.Client) -> None:
    card = w.card()
    whole, part = w.priced_seat(card, 100, "WEEKLY", "Whole"), w.priced_seat(card, 70, "WEEKLY", "Part")
    customer = w.customer()
    w.open_contract(
        customer, card, 5, "WEEKLY",
        subscriptions=[
            w.subscription(whole, "WEEKLY", initial_quantity=1),
            w.subscription(part, "WEEKLY", initial_quantity=1, starting_at=w.days_ago(3)),
        ],
    )  # fmt: skip
    [draft] = shown(http, customer)
    assert {line["name"]: line["is_prorated"] for line in draft["line_items"]} == {"Whole": False, "Part": True}


def test_a_draft_of_a_date_says_the_date(w: SubscriptionWorld, http: httpx.Client) -> None:
    _, _, card = w.priced(price=1)
    customer = w.customer()
    date = w.days_ago(-3)
    commit = w.prepaid(100, w.days_ago(5), w.days_ago(-20), [(date, 90)])
    w.open_contract(customer, card, 5, "MONTHLY", commits=[commit])
    [scheduled] = shown(http, customer, type="SCHEDULED")
    assert (scheduled["status"], scheduled["issued_at"]) == ("DRAFT", date.isoformat().replace("+00:00", "Z"))
    assert not scheduled.keys() & {"start_timestamp", "end_timestamp", "external_invoice"}
    [line] = scheduled["line_items"]
    assert not line.keys() & {"starting_at", "ending_before"}
    [usage] = shown(http, customer, type="USAGE")
    assert "issued_at" not in usage
    w.run_due_work(until=date + timedelta(days=1))
    [final] = shown(http, customer, type="SCHEDULED")
    assert (final["status"], final["issued_at"]) == ("FINALIZED", scheduled["issued_at"])
