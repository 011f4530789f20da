"""All that commits, credits, products and cards are made of is shown again as it was sent."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.scenarios.asked import posted, wire
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import USD, World

pytestmark = pytest.mark.django_db
ROUND = {"rounding_method": "HALF_UP", "decimal_places": 2}
ISSUED = {"recurring_commit_id", "recurring_credit_id"}
RENAMED = {
    "product_id": ("product", "id"), "credit_type_id": ("credit_type", "id"), "rate_card_alias": ("rate_card_id",),
    "invoice_contract_id": ("invoice_contract", "id"),
}  # fmt: skip


def lost(asked: Any, shown: Any, where: str = "") -> list[str]:
    """What was sent and is not shown again; numbers compare as numbers."""
    if isinstance(asked, dict):
        found = []
        for name, value in asked.items():
            inner = shown
            for part in (name,) if name in (shown or ()) else RENAMED.get(name, (name,)):
                inner = inner.get(part) if isinstance(inner, dict) else None
            found += lost(value, inner, f"{where}.{name}")
        return found
    if isinstance(asked, list):
        if not isinstance(shown, list) or len(shown) != len(asked):
            return [f"{where}: {shown!r}"]
        return [fault for one, other in zip(asked, shown, strict=True) for fault in lost(one, other, f"{where}[]")]
    if isinstance(asked, str) and isinstance(shown, str):
        same = asked.replace("+00:00", "Z") == shown.replace("+00:00", "Z")
    elif isinstance(asked, bool) or shown is None or isinstance(shown, str):
        same = asked == shown
    else:
        same = Decimal(str(asked)) == Decimal(str(shown))
    return [] if same else [f"{where}: {asked!r} became {shown!r}"]


def whole_balance(w: BalanceWorld, product: str) -> dict[str, Any]:
    return {
        "product_id": w.fixed(), "name": "Whole", "description": "All of it", "priority": 7, "rate_type": "COMMIT_RATE",
        "custom_fields": {"deal": "7"}, "netsuite_sales_order_id": "SO-2",
        "access_schedule": w.schedule((100, w.days_ago(5), w.days_ago(-30)), (50, w.days_ago(-30), w.days_ago(-60))),
        "specifiers": [{
            "product_id": product, "product_tags": ["ai"], "pricing_group_values": {"model": "a"},
            "presentation_group_values": {"region": "eu"}, "exclude": [{"product_tags": ["premium", "old"]}],
        }],
    }  # fmt: skip


def whole_commit(w: BalanceWorld, product: str) -> dict[str, Any]:
    items = [{"timestamp": w.days_ago(-1), "unit_price": 40, "quantity": 2, "amount": 80}]
    return whole_balance(w, product) | {
        "type": "PREPAID", "invoice_schedule": {"credit_type_id": USD, "schedule_items": items},
    }  # fmt: skip


def whole_recurring(w: BalanceWorld, product: str) -> dict[str, Any]:
    whole, names = (
        whole_balance(w, product),
        ("name", "description", "priority", "rate_type", "specifiers", "product_id"),
    )
    return {name: whole[name] for name in names} | {
        "netsuite_sales_order_id": "SO-3", "rollover_fraction": 0.5, "starting_at": w.days_ago(5),
        "ending_before": w.days_ago(-300), "access_amount": {"unit_price": 9, "quantity": 2, "credit_type_id": USD},
        "commit_duration": {"value": 2, "unit": "PERIODS"}, "recurrence_frequency": "MONTHLY", "proration": "FIRST",
        "proration_rounding": {"access": ROUND, "invoice": ROUND},
    }  # fmt: skip


def without_amount(body: dict[str, Any]) -> dict[str, Any]:
    """The same in the form that requests have: an amount, or a unit price and a quantity."""
    items = body["invoice_schedule"]["schedule_items"]
    kept = [{name: value for name, value in item.items() if name != "amount"} for item in items]
    return body | {"invoice_schedule": body["invoice_schedule"] | {"schedule_items": kept}}


def test_all_that_balances_are_made_of_is_shown_again(balances: BalanceWorld, http: httpx.Client) -> None:
    w = balances
    product = w.product(
        w.metric(groups=[["model", "region"]]), pricing_group_key=["model"], presentation_group_key=["region"]
    )
    customer = w.customer()
    commit, credit = whole_commit(w, product), whole_balance(w, product)
    recurring = whole_recurring(w, product)
    invoiced = {"invoice_amount": {"unit_price": 3, "quantity": 4, "credit_type_id": USD}}
    parts = {
        "commits": [commit | {"rollover_fraction": 0.25}], "credits": [credit | {"rollover_fraction": 0.25}],
        "recurring_commits": [recurring | invoiced], "recurring_credits": [recurring],
    }  # fmt: skip
    sent = {"commits": [without_amount(commit) | {"rollover_fraction": 0.25}]}
    body = {
        "customer_id": customer,
        "starting_at": w.days_ago(5),
        **parts,
        **sent,
        "scheduled_charges_on_usage_invoices": "ALL",
    }
    contract = posted(http, "/v1/contracts/create", wire(body))["id"]
    shown = posted(http, "/v2/contracts/get", {"customer_id": customer, "contract_id": contract})
    first = {name: [row for row in shown[name] if not row.keys() & ISSUED] for name in parts}
    assert lost(wire(parts), first) == []
    edit = {f"add_{name}": value for name, value in (parts | sent).items()}
    made = posted(http, "/v2/contracts/edit", wire({"customer_id": customer, "contract_id": contract, **edit}))["edit"]
    assert lost(wire({f"add_{name}": value for name, value in parts.items()}), made) == []
    own = {
        "customer_id": customer, "applicable_contract_ids": [contract], "uniqueness_key": "own",
        "salesforce_opportunity_id": "006B",
    }  # fmt: skip
    posted(http, "/v1/contracts/customerCredits/create", wire(credit | own))
    posted(http, "/v1/contracts/customerCommits/create", wire(
        without_amount(commit) | own | {"uniqueness_key": "own commit", "invoice_contract_id": contract}
    ))  # fmt: skip
    kept = {name: value for name, value in own.items() if name not in ("customer_id", "uniqueness_key")}
    [bought] = posted(http, "/v1/contracts/customerCommits/list", {"customer_id": customer})
    [given] = posted(http, "/v1/contracts/customerCredits/list", {"customer_id": customer})
    assert lost(wire(commit | kept | {"invoice_contract_id": contract}), bought) == []
    assert lost(wire(credit | kept), given) == []


def test_all_that_a_product_is_made_of_is_shown_again(balances: BalanceWorld, http: httpx.Client) -> None:
    w = balances
    metric = w.metric(groups=[["model", "region"]])
    fields = {
        "name": "Whole", "pricing_group_key": ["model"], "presentation_group_key": ["region"], "tags": ["ai"],
        "quantity_conversion": {"conversion_factor": 1000, "operation": "DIVIDE", "name": "k"}, "is_refundable": False,
        "quantity_rounding": {"rounding_method": "ROUND_UP", "decimal_places": 1}, "billable_metric_id": metric.id,
        "netsuite_internal_item_id": "11", "netsuite_overage_item_id": "12",
    }  # fmt: skip
    base = w.product(w.metric())
    composite = {
        "name": "Share", "composite_product_ids": [base], "composite_tags": ["ai"], "composite_scope": "CUSTOMER",
        "exclude_free_usage": True, "include_composite_spend": True,
    }  # fmt: skip
    path = "/v1/contract-pricing/products"
    for kind, sent in (("USAGE", fields), ("COMPOSITE", composite)):
        more = {"type": kind, "custom_fields": {"a": "b"}}
        made = posted(http, f"{path}/create", sent | more)["id"]
        shown = posted(http, f"{path}/get", {"id": made})
        assert lost(sent, shown["current"]) == lost(sent, shown["initial"]) == lost(more, shown) == []
        change = {**sent, "name": "Changed", "product_id": made, "starting_at": "2026-01-01T00:00:00Z"}
        posted(http, f"{path}/update", change)
        shown = posted(http, f"{path}/get", {"id": made})
        del change["product_id"]
        assert lost(change, shown["updates"][0]) == lost(change, shown["current"]) == []
    sql = fields | {"type": "USAGE", "sql_breakdown_granularity": "HOUR"}
    assert "sql_breakdown_granularity" in posted(http, f"{path}/create", sql, 400)["message"]


def test_all_that_a_rate_card_is_made_of_is_shown_again(world: World, http: httpx.Client) -> None:
    unit = world.sdk.v1.pricing_units.create(name="Whole credits").data.id
    sent = {
        "name": "Whole", "description": "All of it", "custom_fields": {"a": "b"},
        "aliases": [{"name": "whole", "starting_at": "2026-01-01T00:00:00Z", "ending_before": "2027-01-01T00:00:00Z"}],
    }  # fmt: skip
    conversions = [{"custom_credit_type_id": unit, "fiat_per_custom_credit": 2.5}]
    path = "/v1/contract-pricing/rate-cards"
    body = sent | {"fiat_credit_type_id": USD, "credit_type_conversions": conversions}
    made = posted(http, f"{path}/create", body)["id"]
    shown = posted(http, f"{path}/get", {"id": made})
    assert lost(sent, shown) == []
    assert shown["fiat_credit_type"]["id"] == USD
    [converted] = shown["credit_type_conversions"]
    assert (converted["custom_credit_type"]["id"], converted["fiat_per_custom_credit"]) == (unit, "2.5")
