"""A price list that cannot be is refused with the field's name, and nothing of it is kept."""

import json
from typing import Any

import httpx
import pytest

from catalog.models import Rate
from tests.catalog.shop import Shop

ADD = "/v1/contract-pricing/rate-cards/addRate"


def tiers(*parts: tuple[Any, Any]) -> dict[str, Any]:
    return {
        "rate_type": "TIERED",
        "tiers": [{"price": price} if size is None else {"size": size, "price": price} for size, price in parts],
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (tiers((10, 1)), "tiers"),  # nothing above 10
        (tiers((None, 1), (10, 2)), "tiers"),  # nothing may follow the tier without end
        (tiers((None, 1), (None, 2)), "tiers"),
        (tiers((0, 1), (None, 2)), "tiers"),
        (tiers((-5, 1), (None, 2)), "tiers"),
        (tiers((5, -1), (None, 2)), "tiers"),
        (tiers(), "tiers"),
        ({"price": -1}, "price"),
        ({"price": float("nan")}, ""),  # no JSON at all
        ({"price": "NaN"}, "price"),
        ({"price": None}, "price"),
        ({"rate_type": "PERCENTAGE", "price": 0.1}, "rate_type"),  # of what?
        ({"rate_type": "CUSTOM"}, "custom_rate"),
        ({"rate_type": "DEARER"}, "rate_type"),
        ({"credit_type_id": "00000000-0000-4000-8000-000000000000"}, "credit_type_id"),
        ({"pricing_group_values": {"planet": "mars"}}, "pricing_group_values"),
        ({"pricing_group_values": {}}, "pricing_group_values"),
        ({"ending_before": "2024-01-01T00:00:00Z"}, "ending_before"),
        ({"ending_before": "2023-01-01T00:00:00Z"}, "ending_before"),
        ({"starting_at": "2024-01-01T00:30:00Z"}, "starting_at"),
        ({"billing_frequency": "MONTHLY"}, "billing_frequency"),
    ],
)
def test_a_rate_that_cannot_be(shop: Shop, http: httpx.Client, change: dict[str, Any], field: str) -> None:
    product = shop.product(shop.metric(["region"]), pricing_group_key=["region"])
    rate = {"rate_card_id": shop.card(), "product_id": product, "starting_at": "2024-01-01T00:00:00Z"}
    rate |= {"entitled": True, "rate_type": "FLAT", "price": 1, "pricing_group_values": {"region": "us"}} | change
    if "tiers" in change:
        del rate["price"]
    answer = http.post(ADD, content=json.dumps(rate), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"].startswith(field)
    assert not Rate.objects.exists()
