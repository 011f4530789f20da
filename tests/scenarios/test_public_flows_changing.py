"""What public clients do with what they have sold: a voice service's backdated plans, and a fork's credits."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.scenarios.asked import posted, wire
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import USD, exact

pytestmark = pytest.mark.django_db
CONTRACTS = "/v1/contracts"


def test_a_voice_service_backdates_a_contract_in_lower_case(
    subscriptions: SubscriptionWorld, http: httpx.Client
) -> None:
    """A custom unit, words in lower case, and a contract since last year: each month since then has its invoice."""
    w = subscriptions
    unit = posted(http, "/v1/credit-types/create", {"name": "Voice minutes"})["id"]
    metric = posted(http, "/v1/billable-metrics/create", {
        "name": "Minutes", "aggregation_type": "sum", "aggregation_key": "minutes",
        "event_type_filter": {"in_values": ["call"]}, "property_filters": [{"name": "minutes", "exists": True}],
    })["id"]  # fmt: skip
    product = posted(http, "/v1/contract-pricing/products/create", {
        "name": "Calls", "type": "usage", "billable_metric_id": metric, "tags": ["voice"],
    })["id"]  # fmt: skip
    card = posted(http, "/v1/contract-pricing/rate-cards/create", {
        "name": "Voice", "fiat_credit_type_id": USD,
        "credit_type_conversions": [{"custom_credit_type_id": unit, "fiat_per_custom_credit": 25}],
    })["id"]  # fmt: skip
    posted(http, "/v1/contract-pricing/rate-cards/addRate", {
        "rate_card_id": card, "product_id": product, "entitled": True, "rate_type": "flat", "price": 2,
        "credit_type_id": unit, "starting_at": "2024-01-01T00:00:00Z",
    })  # fmt: skip
    customer = posted(http, "/v1/customers", {"name": "Vocal", "ingest_aliases": ["vocal"]})["id"]
    since = w.today.replace(year=w.today.year - 1, day=1)
    body = {
        "customer_id": customer, "rate_card_id": card, "starting_at": wire(since), "name": "Voice plan",
        "usage_statement_schedule": {"frequency": "monthly", "day": "first_of_month"},
        "overrides": [{
            "type": "multiplier", "multiplier": 0.5, "starting_at": wire(since),
            "override_specifiers": [{"product_tags": ["voice"]}],
        }],
    }  # fmt: skip
    contract = posted(http, f"{CONTRACTS}/create", body)["id"]
    event = {
        "transaction_id": "call-1", "customer_id": "vocal", "event_type": "call", "properties": {"minutes": "12.5"},
        "timestamp": wire(w.now - timedelta(minutes=5)),
    }  # fmt: skip
    assert http.post("/v1/ingest", json=[event]).status_code == 200
    w.run_due_work()
    rows = w.invoices(customer)
    months = (w.today.year - since.year) * 12 + w.today.month - since.month
    finals = [row for row in rows if row.status == "FINALIZED"]
    assert (len(finals), {exact(row.total) for row in finals}) == (months, {0})
    starts = sorted(row.start_timestamp for row in rows)
    assert (starts[0], len(set(starts))) == (since, months + 1)
    now = w.invoice(customer)
    lines = {line.type: (exact(line.quantity or 0), exact(line.total)) for line in now.line_items}
    assert lines == {"usage": (12.5, 12.5), "cpu_conversion": (12.5, 312.5)}
    assert exact(now.total) == 313  # half a cent counts as one
    [rule] = posted(http, "/v2/contracts/get", {"customer_id": customer, "contract_id": contract})["overrides"]
    assert (rule["type"], rule["multiplier"]) == ("MULTIPLIER", 0.5)


def test_a_fork_resolves_its_card_and_keeps_its_credits(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    """By aliases alone; credits are raised, shortened and recovered from the history when an answer was lost."""
    w = subscriptions
    metric = w.metric()
    card = w.card(aliases=[{"name": "workspace-plan"}])
    w.rate(card, w.product(metric), price=10)
    alias = "workspace-7"
    made = posted(http, "/v1/customers", {"name": "Workspace", "ingest_aliases": [alias]})["id"]
    posted(http, "/v1/customers", {"name": "Again", "ingest_aliases": [alias]}, 409)
    [found] = http.get("/v1/customers", params={"ingest_alias": alias}).json()["data"]
    assert found["id"] == made
    cards = http.post("/v1/contract-pricing/rate-cards/list", json={}).json()["data"]
    resolved = next(
        row["id"] for row in cards if "workspace-plan" in [named["name"] for named in row.get("aliases", ())]
    )
    assert resolved == card
    start, end = w.days_ago(5), w.days_ago(-25)
    body = wire({
        "customer_id": made, "rate_card_id": resolved, "starting_at": start, "uniqueness_key": f"{alias}-plan",
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        "credits": [w.credit(500, start, end, name="Included")],
        "commits": [w.prepaid(960, start, end, [(w.days_ago(-1), 960)], name="Prepaid", priority=50)],
    })  # fmt: skip
    contract = posted(http, f"{CONTRACTS}/create", body)["id"]
    ids = {"customer_id": made, "contract_id": contract}

    def prepaid() -> Any:
        """What a list without any flag of contracts says."""
        rows = posted(http, f"{CONTRACTS}/customerBalances/list", {"customer_id": made, "include_balance": True})
        return sum(exact(row["balance"]) for row in rows)

    assert prepaid() == 1460
    w.use(made, metric, 20, w.days_ago(1))
    assert prepaid() == 1260
    preview = posted(http, f"/v1/customers/{made}/previewEvents", {
        "mode": "merge", "events": [{"event_type": metric.event_type, "properties": {"units": "150"}}],
    })  # fmt: skip
    [usage] = [row for row in preview if row["type"] == "USAGE"]
    assert exact(usage["total"]) == 1700 - 1460
    [credit] = posted(http, "/v2/contracts/get", ids)["credits"]
    [segment] = credit["access_schedule"]["schedule_items"]
    sooner = wire(w.days_ago(-3)).replace("+00:00", "Z")
    change = {
        "credit_id": credit["id"], "name": "Included, raised", "priority": 5,
        "access_schedule": {"update_schedule_items": [{"id": segment["id"], "amount": 800, "ending_before": sooner}]},
    }  # fmt: skip
    edit = posted(http, "/v2/contracts/edit", ids | {"uniqueness_key": "edit-1", "update_credits": [change]})["edit"]
    posted(http, "/v2/contracts/edit", ids | {"uniqueness_key": "edit-1", "update_credits": [change]}, 409)
    [recovered] = [
        row for row in posted(http, "/v2/contracts/getEditHistory", ids) if row.get("uniqueness_key") == "edit-1"
    ]
    assert recovered == edit
    assert recovered["update_credits"] == [{
        "id": credit["id"], "name": "Included, raised", "priority": 5, "access_schedule": change["access_schedule"],
    }]  # fmt: skip
    [again] = posted(http, "/v2/contracts/get", ids)["credits"]
    assert (again["name"], again["access_schedule"]["schedule_items"][0]["ending_before"]) == (
        "Included, raised", sooner
    )  # fmt: skip
    assert prepaid() == 1560
    posted(http, "/v2/contracts/credits/edit", {
        "customer_id": made, "credit_id": credit["id"],
        "access_schedule": {"add_schedule_items": wire([
            {"amount": 40, "starting_at": w.today, "ending_before": w.days_ago(-2)}
        ])},
    })  # fmt: skip
    assert prepaid() == 1600
    archived = posted(http, "/v2/contracts/edit", ids | {"archive_credits": [{"id": credit["id"]}]})["edit"]
    assert archived["archive_credits"] == [{"id": credit["id"]}]
    assert prepaid() == 760  # the commit pays what the credit had paid
    for row in http.get(f"/v1/customers/{made}/invoices").json()["data"]:
        assert row["status"] == "DRAFT"
        assert row.get("issued_at", "") is not None
    assert http.post("/v1/events/search", json={"transactionIds": ["unknown"]}).json() == []
