"""The metrics that count for a customer."""

import uuid

import httpx
import pytest
from metronome import Metronome, NotFoundError

from core.clock import now
from tests.catalog.shop import DAY, Shop, day

pytestmark = pytest.mark.calendar


def test_all_metrics_or_only_those_that_contracts_in_force_price(sdk: Metronome) -> None:
    shop = Shop(sdk)
    customer = sdk.v1.customers.create(name="Payer").data.id
    names = ("priced", "over", "ended contract", "unpriced", "archived")
    metrics = {name: shop.metric(name=name) for name in names}
    card, old_card = shop.card(), shop.card()
    shop.rate(card, shop.product(metrics["priced"]), price=1)
    shop.rate(card, shop.product(metrics["archived"]), price=1)
    shop.rate(card, shop.product(metrics["over"]), price=1, ending_before=day(10))
    shop.rate(old_card, shop.product(metrics["ended contract"]), price=1)
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    sdk.v1.contracts.create(customer_id=customer, rate_card_id=card, starting_at=today)
    past = {"starting_at": today - 2 * DAY, "ending_before": today - DAY}
    sdk.v1.contracts.create(customer_id=customer, rate_card_id=old_card, **past)
    sdk.v1.billable_metrics.archive(id=metrics["archived"])

    def seen(**query: bool) -> list[str]:
        return sorted(row.name for row in sdk.v1.customers.list_billable_metrics(customer_id=customer, **query))

    assert seen() == sorted(set(names) - {"archived"})
    assert seen(include_archived=True) == sorted(names)
    assert seen(on_current_plan=True) == ["priced"]
    assert seen(on_current_plan=True, include_archived=True) == ["archived", "priced"]


def test_pages_and_refusals(sdk: Metronome, http: httpx.Client) -> None:
    shop = Shop(sdk)
    customer = sdk.v1.customers.create(name="Payer").data.id
    made = [shop.metric() for _ in range(3)]
    page = sdk.v1.customers.list_billable_metrics(customer_id=customer, limit=2)
    assert [row.id for row in page] == made[::-1]
    with pytest.raises(NotFoundError):
        sdk.v1.customers.list_billable_metrics(customer_id=str(uuid.uuid4()))
    answer = http.get(f"/v1/customers/{customer}/billable-metrics?on_current_plan=perhaps")
    assert (answer.status_code, answer.json()["message"]) == (400, "on_current_plan: must be true or false")
