"""Malformed catalogue requests are refused with a message that names the field, and leave nothing behind."""

import json

import httpx
import pytest

from tests.catalog.shop import USD, Shop
from tests.odd_input import Endpoint, faults, send

PRICING = "/v1/contract-pricing"
TIME = "2024-01-01T00:00:00Z"


def test_metrics(http: httpx.Client, shop: Shop) -> None:
    body = {
        "name": "Good",
        "aggregation_type": "SUM",
        "aggregation_key": "units",
        "event_type_filter": {"in_values": ["a"], "not_in_values": ["b"]},
        "property_filters": [
            {"name": "units", "exists": True},
            {"name": "region", "in_values": ["us"], "not_in_values": ["eu"]},
        ],
        "group_keys": [["region"]],
        "custom_fields": {"a": "b"},
    }
    fields = {
        "name": "text",
        "aggregation_type": "word",
        "aggregation_key": "text",
        "event_type_filter": "object",
        "event_type_filter.in_values": "list",
        "event_type_filter.not_in_values.0": "text",
        "property_filters": "list",
        "property_filters.0.name": "text",
        "property_filters.1.in_values": "list",
        "property_filters.1.not_in_values.0": "text",
        "group_keys": "list",
        "group_keys.0.0": "text",
        "custom_fields": "texts",
    }
    create = Endpoint("/v1/billable-metrics/create", body, fields, ("name", "aggregation_type", "aggregation_key"))
    metric = shop.metric()
    rename = Endpoint(f"/v1/billable-metrics/{metric}", {"name": "x"}, {"name": "text"}, ("name",), "PUT")
    archive = Endpoint("/v1/billable-metrics/archive", {"id": metric}, {"id": "id"}, ("id",))
    assert [fault for endpoint in (create, rename, archive) for fault in faults(http, endpoint)] == []
    for raw in ('"true"', "1", "[]"):
        odd = json.dumps(body).replace('"exists": true', f'"exists": {raw}').encode()
        assert send(http, create, odd).status_code == 400


def test_products(http: httpx.Client, shop: Shop) -> None:
    metric = shop.metric(["region", "project"])
    common = {
        "billable_metric_id": metric,
        "pricing_group_key": ["region"],
        "presentation_group_key": ["project"],
        "quantity_conversion": {"conversion_factor": 2, "operation": "MULTIPLY", "name": "twice"},
        "quantity_rounding": {"rounding_method": "ROUND_UP", "decimal_places": 2},
        "tags": ["a"],
        "is_refundable": True,
        "netsuite_internal_item_id": "1",
        "netsuite_overage_item_id": "2",
    }
    fields = {
        "name": "text",
        "billable_metric_id": "id",
        "pricing_group_key": "list",
        "pricing_group_key.0": "text",
        "presentation_group_key.0": "text",
        "quantity_conversion.conversion_factor": "factor",
        "quantity_conversion.operation": "word",
        "quantity_conversion.name": "text",
        "quantity_rounding.rounding_method": "word",
        "quantity_rounding.decimal_places": "places",
        "tags": "list",
        "tags.0": "text",
        "is_refundable": "flag",
        "netsuite_internal_item_id": "text",
        "netsuite_overage_item_id": "text",
    }
    new = common | {"name": "Good", "type": "USAGE", "custom_fields": {"a": "b"}}
    create = Endpoint(
        f"{PRICING}/products/create",
        new,
        fields | {"type": "word", "custom_fields": "texts"},
        ("name", "type", "billable_metric_id"),
    )
    product = shop.product(metric)
    change = common | {"product_id": product, "starting_at": TIME, "name": "Better"}
    update = Endpoint(
        f"{PRICING}/products/update",
        change,
        fields | {"product_id": "id", "starting_at": "hour"},
        ("product_id", "starting_at"),
    )
    archive = Endpoint(f"{PRICING}/products/archive", {"product_id": product}, {"product_id": "id"}, ("product_id",))
    get = Endpoint(f"{PRICING}/products/get", {"id": product}, {"id": "id"}, ("id",))
    endpoints = (create, update, archive, get)
    assert [fault for endpoint in endpoints for fault in faults(http, endpoint)] == []
    for kind in ("null", "5", '"SOME"', "[]"):
        answer = send(http, Endpoint(f"{PRICING}/products/list", {}, {}), f'{{"archive_filter": {kind}}}'.encode())
        assert answer.status_code == 400
        assert "archive_filter" in answer.json()["message"]


def test_rate_cards(http: httpx.Client, shop: Shop) -> None:
    alias = {"name": "std", "starting_at": TIME, "ending_before": "2025-01-01T00:00:00Z"}
    body = {"name": "Good", "description": "d", "fiat_credit_type_id": USD, "aliases": [alias], "custom_fields": {}}
    fields = {
        "name": "text",
        "aliases": "list",
        "aliases.0.name": "text",
        "aliases.0.starting_at": "instant",
        "aliases.0.ending_before": "instant",
    }
    create = Endpoint(
        f"{PRICING}/rate-cards/create",
        body,
        fields | {"fiat_credit_type_id": "id", "custom_fields": "texts"},
        ("name",),
    )
    card = shop.card()
    update = Endpoint(
        f"{PRICING}/rate-cards/update",
        {"rate_card_id": card, "name": "New", "aliases": [alias]},
        fields | {"rate_card_id": "id"},
        ("rate_card_id",),
    )
    archive = Endpoint(f"{PRICING}/rate-cards/archive", {"id": card}, {"id": "id"}, ("id",))
    get = Endpoint(f"{PRICING}/rate-cards/get", {"id": card}, {"id": "id"}, ("id",))
    assert [fault for endpoint in (create, update, archive, get) for fault in faults(http, endpoint)] == []


def test_rates(http: httpx.Client, shop: Shop) -> None:
    card = shop.card()
    product = shop.product(shop.metric(["region"]), pricing_group_key=["region"])
    flat = {
        "product_id": product,
        "starting_at": TIME,
        "ending_before": "2025-01-01T00:00:00Z",
        "entitled": True,
        "rate_type": "FLAT",
        "price": 1,
        "credit_type_id": USD,
        "pricing_group_values": {"region": "us"},
    }
    tiered = {key: value for key, value in flat.items() if key != "price"} | {
        "rate_type": "TIERED",
        "tiers": [{"size": 5, "price": 1}, {"price": 2}],
    }
    kinds = {
        "product_id": "id",
        "starting_at": "hour",
        "ending_before": "hour",
        "entitled": "flag",
        "rate_type": "word",
        "credit_type_id": "id",
        "pricing_group_values": "texts",
    }
    needed = ("rate_card_id", "product_id", "starting_at", "entitled", "rate_type", "pricing_group_values")
    on_card = {"rate_card_id": "id"}
    endpoints = [
        Endpoint(
            f"{PRICING}/rate-cards/addRate",
            flat | {"rate_card_id": card},
            kinds | on_card | {"price": "amount"},
            (*needed, "price"),
        ),
        Endpoint(
            f"{PRICING}/rate-cards/addRate",
            tiered | {"rate_card_id": card},
            on_card | {"tiers": "list", "tiers.0.price": "amount", "tiers.1.price": "amount"},
            (*needed, "tiers"),
        ),
        Endpoint(
            f"{PRICING}/rate-cards/addRates",
            {"rate_card_id": card, "rates": [flat, tiered]},
            {
                "rate_card_id": "id",
                "rates": "list",
                **{f"rates.0.{name}": kind for name, kind in kinds.items()},
                "rates.1.tiers.0.price": "amount",
            },
            ("rate_card_id", "rates"),
        ),
    ]
    assert [fault for endpoint in endpoints for fault in faults(http, endpoint)] == []


@pytest.mark.parametrize("size", ["0", "-1", "true", "NaN", "1e400", '"NaN"', r'"\u0661"', "9" * 40, "[]"])
def test_tier_sizes(http: httpx.Client, shop: Shop, size: str) -> None:
    body = {"rate_card_id": shop.card(), "product_id": shop.product(), "starting_at": TIME, "entitled": True}
    start = json.dumps(body | {"rate_type": "TIERED"})[:-1]
    content = f'{start}, "tiers": [{{"size": {size}, "price": 1}}, {{"price": 2}}]}}'.encode()
    answer = send(http, Endpoint(f"{PRICING}/rate-cards/addRate", {}, {}), content)
    assert answer.status_code == 400
    assert "size" in answer.json()["message"] or "number" in answer.json()["message"]


def test_readings(http: httpx.Client, shop: Shop) -> None:
    card = shop.card()
    selector = {
        "product_id": shop.product(),
        "pricing_group_values": {"a": "b"},
        "partial_pricing_group_values": {"a": "b"},
        "billing_frequency": "MONTHLY",
    }
    fields = {
        "rate_card_id": "id",
        "selectors": "list",
        "selectors.0.product_id": "id",
        "selectors.0.pricing_group_values": "texts",
        "selectors.0.partial_pricing_group_values": "texts",
        "selectors.0.billing_frequency": "word",
    }
    rates = Endpoint(
        f"{PRICING}/rate-cards/getRates",
        {"rate_card_id": card, "at": TIME, "selectors": [selector]},
        fields | {"at": "instant"},
        ("rate_card_id", "at"),
    )
    schedule = Endpoint(
        f"{PRICING}/rate-cards/getRateSchedule",
        {"rate_card_id": card, "starting_at": TIME, "ending_before": "2025-01-01T00:00:00Z", "selectors": [selector]},
        fields | {"starting_at": "instant", "ending_before": "instant"},
        ("rate_card_id", "starting_at"),
    )
    assert [fault for endpoint in (rates, schedule) for fault in faults(http, endpoint)] == []
    answer = send(http, schedule, json.dumps(schedule.body | {"ending_before": TIME}).encode())
    assert answer.json()["message"] == "ending_before: must be after starting_at"
