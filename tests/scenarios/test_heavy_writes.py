"""Contracts with very much in them: as many statements as for a few, the same figures, and a long past in steps."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from balances.services import recurring
from core.models import OutboxEvent
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import USD

FEW, MANY = 3, 30
A_FEW_MORE = 4
"""Statements that may differ: savepoints, an empty result that saves the next."""


def body_of(world: BalanceWorld, customer: str, **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "starting_at": world.days_ago(20).isoformat(), **more}


def commit(world: BalanceWorld, product: str, number: int) -> dict[str, Any]:
    start, end = world.days_ago(10), world.today + timedelta(days=100)
    return {
        "product_id": product,
        "type": "PREPAID",
        "name": f"commit {number}",
        "priority": number,
        "access_schedule": {
            "schedule_items": [
                {"amount": 100 + number, "starting_at": start.isoformat(), "ending_before": end.isoformat()}
            ]
        },
        "invoice_schedule": {
            "schedule_items": [
                {"timestamp": (start + timedelta(days=20 + number % 9)).isoformat(), "unit_price": 7, "quantity": 2}
            ]
        },
    }


def recurring_one(world: BalanceWorld, product: str, since: datetime, **more: Any) -> dict[str, Any]:
    return {
        "product_id": product,
        "priority": 1,
        "starting_at": since.isoformat(),
        "access_amount": {"unit_price": 10, "quantity": 1, "credit_type_id": USD},
        "commit_duration": {"value": 1, "unit": "PERIODS"},
        "recurrence_frequency": "MONTHLY",
    } | more


def statements(http: httpx.Client, path: str, body: dict[str, Any]) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return len(asked)


def test_commits_credits_and_recurring_ones_cost_no_statements_of_their_own(
    balances: BalanceWorld, http: httpx.Client
) -> None:
    product, since = balances.fixed(), balances.days_ago(20)

    def all_kinds(number: int, verb: str = "") -> dict[str, Any]:
        commits = [commit(balances, product, one) for one in range(number)]
        grants = [recurring_one(balances, product, since) for _ in range(number)]
        charged = [one | {"invoice_amount": {"unit_price": 3, "quantity": 1, "credit_type_id": USD}} for one in grants]
        credits = [{key: one[key] for key in ("product_id", "name", "access_schedule")} for one in commits]
        return {
            f"{verb}commits": commits, f"{verb}credits": credits, f"{verb}recurring_credits": grants,
            f"{verb}recurring_commits": charged,
        }  # fmt: skip

    counts, edits = [], []
    for number in (FEW, MANY):
        customer = balances.customer()
        counts.append(statements(http, "/v1/contracts/create", body_of(balances, customer, **all_kinds(number))))
        [contract] = http.post("/v2/contracts/list", json={"customer_id": customer}).json()["data"]
        edit = {"customer_id": customer, "contract_id": contract["id"], **all_kinds(number, "add_")}
        # Showing what was added is another's part: recurring ones are read by name there.
        edits.append(statements(http, "/v2/contracts/edit", edit))
    assert abs(counts[1] - counts[0]) <= A_FEW_MORE, counts
    assert abs(edits[1] - edits[0]) <= A_FEW_MORE, edits


def test_subscriptions_and_overrides_cost_no_statements_of_their_own(
    subscriptions: SubscriptionWorld, http: httpx.Client
) -> None:
    product = subscriptions.sdk.v1.contracts.products.create(name="Seat", type="SUBSCRIPTION").data.id
    card = subscriptions.card()
    subscriptions.rate(card, product, price=100, billing_frequency="MONTHLY")
    one = {
        "subscription_rate": {"product_id": product, "billing_frequency": "MONTHLY"},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "initial_quantity": 2,
    }
    half = {"type": "MULTIPLIER", "multiplier": 0.5, "override_specifiers": [{"product_id": product}]}
    counts = []
    for number in (FEW, MANY):
        start = subscriptions.days_ago(20).isoformat()
        body = {
            "customer_id": subscriptions.customer(),
            "starting_at": start,
            "rate_card_id": card,
            "subscriptions": [one] * number,
            "overrides": [half | {"starting_at": start}] * number,
        }
        counts.append(statements(http, "/v1/contracts/create", body))
    assert abs(counts[1] - counts[0]) <= A_FEW_MORE, counts


def test_archiving_costs_no_statements_for_each(balances: BalanceWorld, http: httpx.Client) -> None:
    product = balances.fixed()
    counts: list[tuple[int, ...]] = []
    for number in (FEW, MANY):
        commits = [commit(balances, product, one) for one in range(number)]
        customer = balances.customer()
        body = body_of(balances, customer, commits=commits)
        made = [http.post("/v1/contracts/create", json=body).json()["data"]["id"] for _ in range(2)]
        [shown] = [
            one for one in http.post("/v2/contracts/list", json={"customer_id": customer}).json()["data"]
            if one["id"] == made[0]
        ]  # fmt: skip
        ids = [{"id": one["id"]} for one in shown["commits"]]
        edit = {"customer_id": customer, "contract_id": made[0], "archive_commits": ids}
        whole = {"customer_id": customer, "contract_id": made[1], "void_invoices": True}
        grants = [{"id": balances.grant(customer, 5, balances.today, balances.today + timedelta(days=9))} for _ in ids]
        counts.append(
            (
                statements(http, "/v2/contracts/edit", edit),
                statements(http, "/v1/contracts/archive", whole),
                statements(http, "/v1/customers/archive", {"id": customer}),
            )
        )
        assert len(ids) == len(grants) == number
    assert all(abs(many - few) <= A_FEW_MORE for few, many in zip(*counts, strict=True)), counts


def told(customer: str) -> list[tuple[str, Any]]:
    """What the outbox tells of the customer's commits, in its order."""
    rows = OutboxEvent.objects.filter(customer_id=customer, name__in=["commit.created", "contract.created"])
    return [
        (row.name, (row.payload.get("balance_name"), row.payload.get("segments"), row.payload.get("charges")))
        for row in rows.order_by("id")
    ]


def figures(world: BalanceWorld, customer: str) -> tuple[Any, ...]:
    """Ledgers and invoices, in an order of their own."""
    held = world.held(customer)
    ledgers = sorted(
        (row.name or "", float(row.balance), [(one.type, one.amount, str(one.timestamp)) for one in row.ledger])
        for row in held
    )
    invoices = sorted(
        (row.status, row.type, str(row.start_timestamp), row.total, sorted(line.total for line in row.line_items))
        for row in world.invoices(customer)
    )
    return ledgers, invoices


def test_many_at_once_are_what_they_are_one_by_one(balances: BalanceWorld, http: httpx.Client) -> None:
    product = balances.fixed()
    commits = [commit(balances, product, number) for number in range(12)]
    together, singly = balances.customer(), balances.customer()
    assert http.post("/v1/contracts/create", json=body_of(balances, together, commits=commits)).status_code == 200
    made = http.post("/v1/contracts/create", json=body_of(balances, singly)).json()["data"]["id"]
    for one in commits:
        body = {"customer_id": singly, "contract_id": made, "add_commits": [one]}
        assert http.post("/v2/contracts/edit", json=body).status_code == 200
    assert figures(balances, together) == figures(balances, singly)
    created = [event for event in told(together) if event[0] == "commit.created"]
    assert [event[1][0] for event in created] == [one["name"] for one in commits]
    assert created == [event for event in told(singly) if event[0] == "commit.created"]
    assert told(together)[-1][0] == "contract.created"


def test_a_long_past_in_steps_comes_to_what_it_comes_to_at_once(
    subscriptions: SubscriptionWorld, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = BalanceWorld(subscriptions.sdk)
    fixed = world.fixed()
    product = world.sdk.v1.contracts.products.create(name="Seat", type="SUBSCRIPTION").data.id
    card = world.card()
    world.rate(card, product, price=100, billing_frequency="MONTHLY")
    since = (world.today.replace(day=1) - timedelta(days=80)).replace(day=1)
    seats = {
        "subscription_rate": {"product_id": product, "billing_frequency": "MONTHLY"},
        "collection_schedule": "ARREARS",
        "proration": {"is_prorated": False},
        "temporary_id": "seats",
        "quantity_management_mode": "SEAT_BASED",
        "seat_config": {"seat_group_key": "user", "initial_seat_ids": ["a", "b"], "initial_unassigned_seats": 1},
    }
    granted = [recurring_one(world, fixed, since)]
    for allocation in ("POOLED", "INDIVIDUAL"):
        config = {
            "subscription_id": "seats",
            "allocation": allocation,
            "apply_seat_increase_config": {"is_prorated": True},
        }
        per_seat = {"unit_price": 30, "credit_type_id": USD}
        granted.append(recurring_one(world, fixed, since, access_amount=per_seat, subscription_config=config))

    def contract(customer: str) -> None:
        body = {
            "customer_id": customer, "starting_at": since.isoformat(), "rate_card_id": card, "subscriptions": [seats],
            "recurring_credits": granted,
        }  # fmt: skip
        answer = http.post("/v1/contracts/create", json=body)
        assert answer.status_code == 200, answer.text

    whole, stepwise = world.customer(), world.customer()
    contract(whole)
    monkeypatch.setattr(recurring, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(recurring, "MOST_IN_A_SWEEP", 1)
    contract(stepwise)
    assert len(world.held(stepwise)) < len(world.held(whole))
    world.run_due_work()
    assert figures(world, stepwise) == figures(world, whole)
    assert len(world.held(whole)) == 3 * 5  # three months before this one, this and the next


def test_more_than_a_thousand_are_refused_by_name(balances: BalanceWorld, http: httpx.Client) -> None:
    entry = commit(balances, balances.fixed(), 1)
    answer = http.post("/v1/contracts/create", json=body_of(balances, balances.customer(), commits=[entry] * 1001))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("commits:")
