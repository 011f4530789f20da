"""What public clients do to sell something: a tutorial, a price change, a shop in euros, and a plan with rollover."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.scenarios.asked import posted, wire
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import USD, exact

pytestmark = pytest.mark.django_db
PRODUCTS, CARDS, CONTRACTS = "/v1/contract-pricing/products", "/v1/contract-pricing/rate-cards", "/v1/contracts"


def dotted(at: Any) -> str:
    """The instant as JavaScript writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def ingested(http: httpx.Client, customer: str, kind: str, *events: tuple[Any, dict[str, Any]]) -> None:
    """Events of this type, each a time and its properties."""
    body = [
        {"transaction_id": f"{customer}-{kind}-{number}", "customer_id": customer, "event_type": kind,
         "timestamp": dotted(at), "properties": properties}
        for number, (at, properties) in enumerate(events)
    ]  # fmt: skip
    for start in range(0, len(body), 100):
        answer = http.post("/v1/ingest", json=body[start : start + 100])
        assert answer.status_code == 200, answer.text


def test_the_tutorial_sells_images_and_gives_a_free_trial(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    """A key that prices and presents; the trial's balance is read without any flag, before and after use."""
    w = subscriptions
    metric = posted(http, "/v1/billable-metrics/create", {
        "name": "Image Generation", "aggregation_type": "SUM", "aggregation_key": "num_images",
        "event_type_filter": {"in_values": ["image_generation"]}, "group_keys": [["image_type"]],
        "property_filters": [{"name": "image_type", "exists": True}, {"name": "num_images", "exists": True}],
    })["id"]  # fmt: skip
    images = posted(http, f"{PRODUCTS}/create", {
        "name": "Images", "type": "USAGE", "billable_metric_id": metric, "pricing_group_key": ["image_type"],
        "presentation_group_key": ["image_type"],
    })["id"]  # fmt: skip
    trial = posted(http, f"{PRODUCTS}/create", {"name": "Free trial", "type": "FIXED"})["id"]
    card = posted(http, f"{CARDS}/create", {"name": "Images", "fiat_credit_type_id": USD})["id"]
    for kind, price in (("standard", 2), ("high-res", 5), ("ultra", 10)):
        posted(http, f"{CARDS}/addRate", {
            "rate_card_id": card, "product_id": images, "entitled": True, "rate_type": "FLAT", "price": price,
            "starting_at": "2025-01-01T00:00:00Z", "pricing_group_values": {"image_type": kind},
        })  # fmt: skip
    customer = posted(http, "/v1/customers", {"name": "Demo", "ingest_aliases": ["demo@example.com"]})["id"]
    posted(http, f"{CONTRACTS}/create", wire({
        "customer_id": customer, "rate_card_id": card, "starting_at": "2025-09-01T00:00:00.000Z",
        "credits": [{
            "product_id": trial, "name": "Trial", "priority": 1,
            "access_schedule": w.schedule((1000, w.days_ago(10), w.days_ago(-20))),
        }],
    }))  # fmt: skip
    read = {"customer_id": customer, "include_balance": True}
    [before] = posted(http, f"{CONTRACTS}/customerBalances/list", read)
    assert (before["name"], exact(before["balance"])) == ("Trial", 1000)
    ingested(
        http, "demo@example.com", "image_generation",
        (w.days_ago(1), {"image_type": "standard", "num_images": "100"}),
        (w.days_ago(1), {"image_type": "ultra", "num_images": "90"}),
    )  # fmt: skip
    [after] = posted(http, f"{CONTRACTS}/customerBalances/list", read)
    assert exact(after["balance"]) == 0
    now = w.invoice(customer)
    assert exact(now.total) == 100
    used: dict[str, Any] = {}
    for line in now.line_items:
        if line.type == "usage":
            kind = line.pricing_group_values["image_type"]
            used[kind] = used.get(kind, 0) + exact(line.quantity or 0)
    assert used == {"standard": 100, "ultra": 90}


def test_a_recipe_moves_every_rate_of_a_card_at_once(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    """Rates of today are read and raised by a tenth from next month on, in one call; 73 events are billed at each."""
    w = subscriptions
    metric, card = w.metric(), w.card()
    prices = {w.product(metric, f"Product {number}"): 10 * number for number in (1, 2, 3)}
    for product, price in prices.items():
        w.rate(card, product, price=price)
    base = {"rate_card_id": card, "at": dotted(w.now)}
    rates = http.post(f"{CARDS}/getRates", json=base).json()["data"]
    assert {row["product_id"]: row["rate"]["price"] for row in rates} == prices
    month = (w.today.replace(day=1) + timedelta(days=32)).replace(day=1)
    raised = [
        {"product_id": row["product_id"], "entitled": row["entitled"], "rate_type": row["rate"]["rate_type"],
         "price": row["rate"]["price"] * 1.1, "starting_at": dotted(month)}
        for row in rates
    ]  # fmt: skip
    assert posted(http, f"{CARDS}/addRates", {"rate_card_id": card, "rates": raised}) == {"id": card}
    schedule = {"rate_card_id": card, "starting_at": dotted(w.now)}
    found = http.post(f"{CARDS}/getRateSchedule", json=schedule).json()["data"]
    assert sorted(exact(row["rate"]["price"]) for row in found) == [10, 11, 20, 22, 30, 33]
    customer = w.customer(ingest_aliases=["recipe"])
    w.contract(customer, card, w.today.replace(day=1))
    events = [(w.days_ago(1) + timedelta(minutes=number), {"units": str(number % 3)}) for number in range(73)]
    ingested(http, "recipe", metric.event_type, *events)
    quantity = sum(number % 3 for number in range(73))
    assert exact(w.invoice(customer).total) == quantity * 60


def test_a_shop_in_euros_with_seats_that_come_in_the_same_hour(
    subscriptions: SubscriptionWorld, http: httpx.Client
) -> None:
    """Changes are dated to the full hour; each seat is billed once, at once, and a repeated request is recovered."""
    w = subscriptions
    [eur] = [row for row in http.get("/v1/credit-types/list").json()["data"] if row["name"].startswith("EUR")]
    free = posted(http, "/v1/credit-types/create", {"name": "Free credits"})["id"]
    made = {"fiat_credit_type_id": eur["id"], "aliases": [{"name": "business"}], "name": "EUR",
            "credit_type_conversions": [{"custom_credit_type_id": free, "fiat_per_custom_credit": 0}]}  # fmt: skip
    card = posted(http, f"{CARDS}/create", made)["id"]
    seat = posted(http, f"{PRODUCTS}/create", {"name": "Seat", "type": "SUBSCRIPTION"})["id"]
    posted(http, f"{CARDS}/addRate", {
        "rate_card_id": card, "product_id": seat, "entitled": True, "rate_type": "FLAT", "price": 29,
        "billing_frequency": "MONTHLY", "starting_at": "2025-01-01T00:00:00Z",
    })  # fmt: skip
    customer = posted(http, "/v1/customers", {"name": "Workspace", "ingest_aliases": ["workspace"]})["id"]
    hour = w.now.replace(minute=0, second=0, microsecond=0)
    body = {
        "customer_id": customer, "rate_card_alias": "business", "starting_at": dotted(hour), "uniqueness_key": "ws-1",
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        "subscriptions": [{
            "collection_schedule": "ADVANCE", "quantity_management_mode": "SEAT_BASED",
            "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
            "subscription_rate": {"product_id": seat, "billing_frequency": "MONTHLY"},
            "seat_config": {"seat_group_key": "user_id", "initial_seat_ids": ["u1"]},
        }],
    }  # fmt: skip
    contract = posted(http, f"{CONTRACTS}/create", body)["id"]
    posted(http, f"{CONTRACTS}/create", body, 409)
    ids = {"customer_id": customer, "contract_id": contract}
    [shown] = posted(http, "/v2/contracts/list", {"customer_id": customer})
    assert (shown["id"], shown["uniqueness_key"]) == (contract, "ws-1")
    subscription = shown["subscriptions"][0]["id"]

    def totals() -> list[Any]:
        w.run_due_work()
        return sorted(exact(row.total) for row in w.invoices(customer, status="FINALIZED"))

    def seats(**changes: Any) -> None:
        posted(http, "/v2/contracts/edit", ids | {
            "update_subscriptions": [{"subscription_id": subscription, "seat_updates": changes}]
        })  # fmt: skip

    assert totals() == [29]
    for number, name in ((2, "u2"), (3, "u3")):
        seats(add_seat_ids=[{"seat_ids": [name], "starting_at": dotted(hour)}])
        assert totals() == [29] * number
    seats(remove_seat_ids=[{"seat_ids": ["u2"], "starting_at": dotted(hour)}])
    seats(add_seat_ids=[{"seat_ids": ["u4"], "starting_at": dotted(hour)}])
    assert totals() == [29, 29, 29]
    asked = ids | {"subscription_id": subscription}
    history = posted(http, f"{CONTRACTS}/getSubscriptionSeatsHistory", asked)
    assert sorted(history[-1]["assigned_seat_ids"]) == ["u1", "u3", "u4"]
    fixed = posted(http, f"{PRODUCTS}/create", {"name": "Credits", "type": "FIXED"})["id"]
    credit = wire({
        "customer_id": customer, "product_id": fixed, "priority": 1, "name": "Free", "uniqueness_key": "free-1",
        "access_schedule": w.schedule((500, hour, hour + timedelta(days=30))) | {"credit_type_id": free},
    })  # fmt: skip
    given = posted(http, f"{CONTRACTS}/customerCredits/create", credit)["id"]
    posted(http, f"{CONTRACTS}/customerCredits/create", credit, 409)
    listed = posted(http, f"{CONTRACTS}/customerCredits/list", {"customer_id": customer, "include_balance": True})
    assert [(row["id"], row["uniqueness_key"], exact(row["balance"])) for row in listed] == [(given, "free-1", 500)]
    end = {"customer_id": customer, "credit_id": given, "access_ending_before": dotted(hour + timedelta(days=2))}
    posted(http, f"{CONTRACTS}/customerCredits/updateEndDate", end)
    posted(http, f"{CONTRACTS}/updateEndDate", ids | {"ending_before": dotted(hour + timedelta(days=1))})
    read = posted(http, "/v2/contracts/get", ids)
    assert read["ending_before"] == wire(hour + timedelta(days=1)).replace("+00:00", "Z")
    posted(http, f"{CONTRACTS}/archive", ids | {"void_invoices": True})
    assert posted(http, "/v2/contracts/list", {"customer_id": customer}) == []
    assert {row.status for row in w.invoices(customer)} == {"VOID"}


def test_a_plan_rolls_credits_over_when_it_is_renewed(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    """Times as JavaScript writes them; of 1,000 credits 300 are used, and half of what was given goes on."""
    w = subscriptions
    metric, _, card = w.priced(price=1)
    fixed = w.fixed()
    customer = posted(http, "/v1/customers", {"name": "Nebula", "ingest_aliases": ["nebula"]})["id"]
    plan = {
        "customer_id": customer, "rate_card_id": card, "starting_at": dotted(w.days_ago(10)), "name": "Plan",
        "credits": [{
            "product_id": fixed, "name": "Included", "rollover_fraction": 0.5,
            "access_schedule": {"schedule_items": [
                {"amount": 1000, "starting_at": dotted(w.days_ago(10)), "ending_before": dotted(w.days_ago(-20))}
            ]},
        }],
    }  # fmt: skip
    first = posted(http, f"{CONTRACTS}/create", plan)["id"]
    posted(http, f"{CONTRACTS}/customerCredits/create", {
        "customer_id": customer, "product_id": fixed, "name": "Bonus", "priority": 50,
        "access_schedule": {"schedule_items": [
            {"amount": 200, "starting_at": dotted(w.days_ago(10)), "ending_before": dotted(w.days_ago(-90))}
        ]},
    })  # fmt: skip
    ingested(http, "nebula", metric.event_type, (w.days_ago(3), {"units": 300}))
    balances = {"customer_id": customer, "include_balance": True, "limit": 100}
    held = {row["name"]: exact(row["balance"]) for row in posted(http, f"{CONTRACTS}/customerBalances/list", balances)}
    assert held == {"Included": 900, "Bonus": 0}
    renewal = plan | {
        "starting_at": dotted(w.today), "credits": [], "name": "Plan, renewed",
        "transition": {"type": "RENEWAL", "from_contract_id": first},
    }  # fmt: skip
    second = posted(http, f"{CONTRACTS}/create", renewal)["id"]
    rows = posted(http, f"{CONTRACTS}/customerBalances/list", balances | {"include_contract_balances": True})
    [rolled] = [row for row in rows if row.get("rolled_over_from")]
    assert (rolled["contract"]["id"], exact(rolled["balance"])) == (second, 500)
    [segment] = rolled["access_schedule"]["schedule_items"]
    assert segment["starting_at"] == wire(w.today).replace("+00:00", "Z")
    drafts = http.get(f"/v1/customers/{customer}/invoices", params={"status": "DRAFT"}).json()["data"]
    assert {exact(row["total"]) for row in drafts} == {0}


def test_recurring_credits_in_lower_case_come_every_month(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    """All words as a client writes them; two months have begun, and each brought its own."""
    w = subscriptions
    metric, _, card = w.priced(price=1)
    customer = w.customer()
    start = w.days_ago(40)
    body = wire({
        "customer_id": customer, "rate_card_id": card, "starting_at": start,
        "multiplier_override_prioritization": "lowest_multiplier",
        "usage_statement_schedule": {"frequency": "monthly", "day": "contract_start"},
        "recurring_credits": [{
            "product_id": w.fixed(), "priority": 1, "starting_at": start, "rate_type": "list_rate", "name": "Monthly",
            "access_amount": {"unit_price": 50, "quantity": 2, "credit_type_id": USD}, "proration": "none",
            "commit_duration": {"value": 1, "unit": "periods"}, "recurrence_frequency": "monthly",
        }],
    })  # fmt: skip
    contract = posted(http, f"{CONTRACTS}/create", body)["id"]
    shown = posted(http, "/v2/contracts/get", {"customer_id": customer, "contract_id": contract})
    [grant] = shown["recurring_credits"]
    words = {name: grant[name] for name in ("proration", "rate_type", "recurrence_frequency")}
    assert words == {"proration": "NONE", "rate_type": "LIST_RATE", "recurrence_frequency": "MONTHLY"}
    assert (grant["commit_duration"], shown["multiplier_override_prioritization"]) == (
        {"value": 1, "unit": "PERIODS"}, "LOWEST_MULTIPLIER"
    )  # fmt: skip
    w.use(customer, metric, 130, w.days_ago(20))
    w.use(customer, metric, 30, w.days_ago(1))
    assert exact(w.net(customer)) == 70
    assert exact(w.invoice(customer).total) == 0
    assert exact(w.invoice(customer, w.days_ago(20)).total) == 30
    begun = [
        row for row in posted(http, f"{CONTRACTS}/customerBalances/list", {"customer_id": customer})
        if row["access_schedule"]["schedule_items"][0]["starting_at"] <= wire(w.now)
    ]  # fmt: skip
    assert {row["recurring_credit_id"] for row in begun} == {grant["id"]}
    assert len(begun) == 2
