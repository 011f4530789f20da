"""What an edit tells: all that was asked for, once and for ever."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, transaction
from metronome import Metronome
from rest_framework.serializers import DictField, Serializer

from contracts.api.edits import EditInput, EditOutput
from contracts.models import ContractEdit
from tests.scenarios.subscription_world import SubscriptionWorld


@pytest.fixture
def w(sdk: Metronome) -> SubscriptionWorld:
    return SubscriptionWorld(sdk)


def z(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class Edits:
    """The edits of one contract, as raw JSON."""

    def __init__(self, http: httpx.Client, customer: str, contract: str) -> None:
        self.http, self.ids = http, {"customer_id": customer, "contract_id": contract}

    def make(self, **changes: Any) -> dict[str, Any]:
        answer = self.http.post("/v2/contracts/edit", json=self.ids | changes)
        assert answer.status_code == 200, answer.text
        edit: dict[str, Any] = answer.json()["data"]["edit"]
        return edit

    def history(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.post("/v2/contracts/getEditHistory", json=self.ids).json()["data"]
        return found


def test_changes_of_commits_are_told_as_asked(w: SubscriptionWorld, http: httpx.Client) -> None:
    _, product, card = w.priced(price=100)
    customer = w.customer()
    start, end = w.days_ago(5), w.days_ago(-25)
    commit = w.prepaid(5000, start, end, [(w.days_ago(-3), 90), (w.days_ago(-9), 90)])
    contract = w.open_contract(customer, card, 5, commits=[commit], credits=[w.credit(7, start, end)])
    read = w.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data
    [held], [credit] = read.commits, read.credits or ()
    [segment] = held.access_schedule.schedule_items
    first, second = held.invoice_schedule.schedule_items
    edits = Edits(http, customer, contract)
    update = {
        "commit_id": held.id, "name": "renamed", "priority": 7, "rollover_fraction": 0.125,
        "applicable_product_ids": [product], "netsuite_sales_order_id": None,
        "access_schedule": {
            "update_schedule_items": [{"id": segment.id, "amount": 6000}],
            "add_schedule_items": [{"amount": 1.5, "starting_at": z(end), "ending_before": z(end + timedelta(2))}],
        },
        "invoice_schedule": {
            "update_schedule_items": [{"id": first.id, "unit_price": 3, "quantity": 4}],
            "remove_schedule_items": [{"id": second.id}],
            "add_schedule_items": [{"timestamp": z(end).replace("Z", "+00:00"), "amount": 5}],
        },
    }  # fmt: skip
    made = edits.make(update_commits=[update], archive_credits=[{"id": credit.id}])
    assert made.keys() == {"id", "timestamp", "update_commits", "archive_credits"}
    assert made["archive_credits"] == [{"id": credit.id}]
    [told] = made["update_commits"]
    assert told == {
        "id": held.id, "name": "renamed", "priority": 7, "rollover_fraction": 0.125,
        "applicable_product_ids": [product], "cleared": ["netsuite_sales_order_id"],
        "access_schedule": update["access_schedule"],
        "invoice_schedule": {
            "update_schedule_items": [{"id": first.id, "amount": 12, "unit_price": 3, "quantity": 4}],
            "remove_schedule_items": [{"id": second.id}],
            "add_schedule_items": [{"timestamp": z(end), "amount": 5, "unit_price": 5, "quantity": 1}],
        },
    }  # fmt: skip
    assert edits.history() == [made]


def test_the_past_stays_as_it_was_told(w: SubscriptionWorld, http: httpx.Client) -> None:
    card = w.card()
    seat, fixed = w.priced_seat(card, 1000), w.fixed()
    customer = w.customer()
    contract = w.open_contract(customer, card, 5)
    edits = Edits(http, customer, contract)
    start, end = w.days_ago(1), w.days_ago(-9)
    subscription = w.subscription(seat, initial_quantity=2, name="Seats")
    rule = {"type": "MULTIPLIER", "multiplier": 0.5, "product_id": seat, "starting_at": z(start)}
    commit = {
        "product_id": fixed, "type": "PREPAID", "name": "Top-up",
        "access_schedule": {"schedule_items": [{"amount": 100, "starting_at": z(start), "ending_before": z(end)}]},
    }  # fmt: skip
    monthly = {
        "product_id": fixed, "priority": 1, "starting_at": z(start), "commit_duration": {"value": 1},
        "access_amount": {"unit_price": 10, "quantity": 1},
    }  # fmt: skip
    made = edits.make(
        add_subscriptions=[subscription], add_commits=[commit], add_overrides=[rule], add_recurring_credits=[monthly]
    )
    [subscribed], [bought], [granted] = (
        made[name] for name in ("add_subscriptions", "add_commits", "add_recurring_credits")
    )
    later = edits.make(
        update_subscriptions=[{
            "subscription_id": subscribed["id"], "name": "Places", "ending_before": z(end),
            "quantity_updates": [{"starting_at": z(w.today), "quantity": 9}],
        }],
        update_commits=[{"commit_id": bought["id"], "name": "Other", "access_schedule": {
            "update_schedule_items": [{"id": bought["access_schedule"]["schedule_items"][0]["id"], "amount": 250}],
        }}],
        update_recurring_credits=[{"recurring_credit_id": granted["id"], "ending_before": z(end),
                                   "access_amount": {"unit_price": 20}}],
        remove_overrides=[{"id": made["add_overrides"][0]["id"]}],
    )  # fmt: skip
    http.post("/v1/contract-pricing/products/update", json={
        "product_id": fixed, "starting_at": z(w.days_ago(30)), "name": "Called otherwise",
    })  # fmt: skip
    emptied = edits.make(
        update_subscriptions=[{"subscription_id": subscribed["id"], "ending_before": None}],
        update_recurring_credits=[{"recurring_credit_id": granted["id"], "ending_before": None}],
        update_contract_end_date=None,
    )
    assert edits.history() == [made, later, emptied]
    assert bought["name"] == "Top-up"
    assert bought["access_schedule"]["schedule_items"][0]["amount"] == 100
    assert later["update_subscriptions"] == [{
        "id": subscribed["id"], "name": "Places", "ending_before": z(end),
        "quantity_updates": [{"starting_at": z(w.today), "quantity": 9}],
    }]  # fmt: skip
    assert emptied["cleared"] == ["update_contract_end_date"]
    assert emptied["update_recurring_credits"] == [{"id": granted["id"], "cleared": ["ending_before"]}]


def test_instants_are_told_in_utc_and_what_was_not_touched_is_left_out(
    w: SubscriptionWorld, http: httpx.Client
) -> None:
    _, _, card = w.priced(price=1)
    customer = w.customer()
    contract = w.open_contract(customer, card, 5)
    edits = Edits(http, customer, contract)
    made = edits.make(update_contract_end_date=(w.today + timedelta(days=9)).isoformat())
    assert made.keys() == {"id", "timestamp", "update_contract_end_date"}
    assert made["update_contract_end_date"] == z(w.today + timedelta(days=9))
    renamed = edits.make(update_contract_name="Plan B", uniqueness_key="once")
    assert renamed.keys() == {"id", "timestamp", "uniqueness_key", "update_contract_name"}
    assert "null" not in http.post("/v2/contracts/getEditHistory", json=edits.ids).text


def test_numbers_of_any_length_are_told_to_the_last_digit(w: SubscriptionWorld, http: httpx.Client) -> None:
    card = w.card()
    seat = w.priced_seat(card, 1000)
    customer = w.customer()
    contract = w.open_contract(customer, card, 5, subscriptions=[w.subscription(seat, initial_quantity=2)])
    subscription = w.subscribed(customer, contract).id
    quantity = "123456789012345678901234567890.0000000001"
    body = (
        f'{{"customer_id": "{customer}", "contract_id": "{contract}", "update_subscriptions": [{{"subscription_id": '
        f'"{subscription}", "quantity_updates": [{{"starting_at": "{z(w.today)}", "quantity": {quantity}}}]}}]}}'
    )
    made = http.post("/v2/contracts/edit", content=body, headers={"Content-Type": "application/json"})
    assert made.status_code == 200, made.text
    assert f'"quantity":{quantity}' in made.text
    ids = {"customer_id": customer, "contract_id": contract}
    assert f'"quantity":{quantity}' in http.post("/v2/contracts/getEditHistory", json=ids).text


def test_nobody_tells_it_otherwise(w: SubscriptionWorld, http: httpx.Client) -> None:
    _, _, card = w.priced(price=1)
    customer = w.customer()
    Edits(http, customer, w.open_contract(customer, card, 5)).make(update_contract_name="Plan B")
    for change in (lambda rows: rows.update(told="{}"), lambda rows: rows.delete()):
        with pytest.raises(IntegrityError, match="told once"), transaction.atomic():
            change(ContractEdit.objects.all())


SUBJECTS = {
    "commit_id", "credit_id", "recurring_commit_id", "recurring_credit_id", "scheduled_charge_id", "subscription_id",
}  # fmt: skip
"""What a change is of; told as its id."""
NOT_TOLD = {
    "customer_id",
    "contract_id",
    "allow_contract_ending_before_finalized_invoice",
    "dry_run",
}
"""Whose edit it is, and a condition of it."""


def lost(asked: Any, shown: Any, path: str) -> Iterator[str]:
    """Fields of a body that its answer has no place for."""
    asked = getattr(asked, "child", asked)
    shown = shown if isinstance(shown, DictField) else getattr(shown, "child", shown)
    if not isinstance(asked, Serializer) or path.startswith(".add_"):  # what was added is told as it is shown
        return
    if not isinstance(shown, Serializer):
        assert isinstance(shown, DictField), path
        return
    for name, field in asked.fields.items():
        there = shown.fields.get("id" if name in SUBJECTS else name)
        if there is None:
            yield f"{path}.{name}"
        else:
            yield from lost(field, there, f"{path}.{name}")


def test_there_is_a_place_for_all_that_can_be_asked() -> None:
    assert {name.strip(".") for name in lost(EditInput(), EditOutput(), "")} == NOT_TOLD
