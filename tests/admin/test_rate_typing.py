"""Typing rates in: products say what they are, group values are offered, a decimal comma that can be nothing else."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.price_text import read_number
from catalog.services import metrics, products
from tests.admin.world import World, sign_up
from usage.services import ingest
from usage.store import NewEvent


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,5", "1.5"), ("0,25", "0.25"), ("0,250", "0.250"), ("1234,567", "1234.567"), ("1,2345", "1.2345"),
        ("12,50", "12.50"), ("1.5", "1.5"), ("1,234567", "1.234567"),
    ],
)  # fmt: skip
def test_a_comma_that_cannot_group_is_a_decimal_one(text: str, number: str) -> None:
    assert read_number(text) == Decimal(number)


@pytest.mark.parametrize("text", ["1,250", "12,345", "999,000", "1,234,567", "1.234,5", "1,234.5", ",5", "5,", "1,5,5"])
def test_a_comma_that_could_mean_two_things_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="with a point"):
        read_number(text)


def grouped(world: World) -> Any:
    metric = metrics.create_metric(
        name="Calls answered", aggregation_type="COUNT", group_keys=[["model"]],
        property_filters=[{"name": "model", "exists": True}], now=world.since,
    )  # fmt: skip
    fields = {"name": "Calls", "billable_metric_id": str(metric.pk), "pricing_group_key": ["model"]}
    return products.create_product(product_type="USAGE", fields=fields, now=world.since)


def typed(world: World, product: Any, *keys: str) -> dict[str, Any]:
    data: dict[str, Any] = {"action": "refresh", "row": list(keys)}
    return data | {f"{key}-product_id": str(product.pk) for key in keys}


def test_a_product_says_what_it_is_and_group_values_are_those_of_late(world: World, finance: Client) -> None:
    product = grouped(world)
    used = [("large", 1), ("small", 2), ("ancient", 40)]
    ingest(
        events=[
            NewEvent(f"m-{model}", "acme", "call", world.now - timedelta(days=days), {"model": model})
            for model, days in used
        ],
        now=world.now,
    )
    sign_up(world.card, "Other", world.since, alias="other")
    ingest(events=[NewEvent("m-o", "other", "call", world.now, {"model": "vision"})], now=world.now)
    ingest(events=[NewEvent("m-s", "stranger", "call", world.now, {"model": "theirs"})], now=world.now)
    url = reverse("admin:catalog_ratecard_add_rates", args=[world.card])
    page = finance.post(url, typed(world, product, "r0")).content.decode()
    assert ">Calls (usage, Calls answered, by model)</option>" in page
    assert ">Tokens (usage, Tokens used)</option>" in page
    [(_, values)] = finance.post(url, typed(world, product, "r0")).context["suggestions"]
    assert values == ["large", "small", "vision"]


def test_more_rows_cost_no_more_queries(world: World, finance: Client) -> None:
    product = grouped(world)
    url = reverse("admin:catalog_ratecard_add_rates", args=[world.card])

    def queries(*keys: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert finance.post(url, typed(world, product, *keys)).status_code == 200
        return len(found)

    queries("r0")
    assert queries("r0") == queries("r0", "r1", "r2", "r3")
