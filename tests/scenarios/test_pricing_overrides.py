"""Overrides on invoices: one wins, the others say why not; list prices beside; draft, final invoice and explanation."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.scenarios.world import World, exact

pytestmark = [pytest.mark.django_db, pytest.mark.calendar]


def lines(invoice: Any) -> list[tuple[Any, ...]]:
    return [(exact(x.quantity), exact(x.unit_price), exact(x.total)) for x in invoice.line_items if x.quantity]


def test_never_two_overrides_at_once(world: World) -> None:
    metric, product, card = world.priced(price=1000)
    on = {"product_id": product, "starting_at": world.days_ago(5)}
    customer = world.customer()
    ninety, eighty = ({"type": "MULTIPLIER", "multiplier": m} | on for m in (0.9, 0.8))
    contract = world.open_contract(customer, card, overrides=[ninety, eighty])
    world.use(customer, metric, 10, world.days_ago(1))
    assert lines(world.invoice(customer)) == [(10, 800, 8000)]
    for price in (950, 970):
        world.sdk.v2.contracts.edit(
            contract_id=contract,
            customer_id=customer,
            add_overrides=[{"type": "OVERWRITE", "overwrite_rate": {"rate_type": "FLAT", "price": price}} | on],
        )
        assert lines(world.invoice(customer)) == [(10, price, price * 10)]
    *_, newest = world.sdk.v2.contracts.retrieve(contract_id=contract, customer_id=customer).data.overrides
    world.sdk.v2.contracts.edit(contract_id=contract, customer_id=customer, remove_overrides=[{"id": newest.id}])
    assert lines(world.invoice(customer)) == [(10, 950, 9500)]


def test_explicit_priorities_and_tiers(world: World) -> None:
    metric, product, card = world.priced(price=100)
    on = {"product_id": product, "starting_at": world.days_ago(5)}
    tiered = {
        "type": "TIERED",
        "priority": 1,
        "tiers": [{"multiplier": 0.8, "size": 10}, {"multiplier": 0.7, "size": 10}, {"multiplier": 1}],
    }
    half = {"type": "MULTIPLIER", "priority": 2, "multiplier": 0.5}
    for quantity, total in ((10, 800), (20, 1500), (25, 2000)):
        customer = world.customer()
        world.open_contract(
            customer, card, overrides=[half | on, tiered | on], multiplier_override_prioritization="EXPLICIT"
        )
        world.use(customer, metric, quantity, world.days_ago(1))
        assert exact(world.invoice(customer).total) == total


def test_the_week_that_is_free_and_the_moment_it_ends(world: World) -> None:
    metric = world.metric()
    card = world.card()
    world.rate(card, world.product(metric, tags=["models"]), price=100)
    customer = world.customer()
    start, end = world.days_ago(14), world.days_ago(7)
    free = {"type": "MULTIPLIER", "multiplier": 0, "applicable_product_tags": ["models"]}
    world.open_contract(customer, card, 14, overrides=[free | {"starting_at": start, "ending_before": end}])
    world.use(customer, metric, 40, end - timedelta(seconds=1))
    world.use(customer, metric, 1, end)
    world.use(customer, metric, 9, world.days_ago(2))
    invoice = world.invoice(customer)
    assert lines(invoice) == [(40, 0, 0), (10, 100, 1000)]
    assert (invoice.line_items[0].starting_at, invoice.line_items[0].ending_before) == (start, end)


def test_what_is_not_entitled_is_not_on_the_invoice(world: World) -> None:
    metric, product, card = world.priced(price=100)
    customer = world.customer()
    off = {"entitled": False, "product_id": product, "starting_at": world.days_ago(3)}
    world.open_contract(customer, card, overrides=[off])
    world.use(customer, metric, 5, world.days_ago(4))
    world.use(customer, metric, 7, world.days_ago(2))
    assert lines(world.invoice(customer)) == [(5, 100, 500)]


def test_by_pricing_and_presentation_group_values(world: World) -> None:
    metric = world.metric(groups=[["region", "project"]])
    card = world.card()
    product = world.product(metric, pricing_group_key=["region"], presentation_group_key=["project"])
    for region in ("us", "eu"):
        world.rate(card, product, price=100, pricing_group_values={"region": region})
    customer = world.customer()
    overwrite = {
        "type": "OVERWRITE",
        "overwrite_rate": {"rate_type": "FLAT", "price": 60},
        "override_specifiers": [{"product_id": product, "pricing_group_values": {"region": "us"}}],
    }
    cheaper = {
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "override_specifiers": [{"presentation_group_values": {"project": "a"}}],
    }
    start = {"starting_at": world.days_ago(5)}
    world.open_contract(customer, card, overrides=[overwrite | start, cheaper | start])
    for region in ("us", "eu"):
        for project in ("a", "b"):
            world.use(customer, metric, 1, world.days_ago(1), region=region, project=project)
    found = {
        (x.pricing_group_values["region"], x.presentation_group_values["project"]): exact(x.total)
        for x in world.invoice(customer).line_items
    }
    assert found == {("us", "a"): 60, ("us", "b"): 60, ("eu", "a"): 50, ("eu", "b"): 100}


def test_list_price_winner_and_losers(world: World, http: httpx.Client) -> None:
    metric, product, card = world.priced(tiers=[{"size": 5, "price": 100}, {"price": 50}])
    customer = world.customer()
    on = {"product_id": product, "starting_at": world.days_ago(40)}
    world.contract(
        customer,
        card,
        world.days_ago(40),
        usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
        overrides=[{"type": "MULTIPLIER", "multiplier": m} | on for m in (0.9, 0.8)],
    )
    world.use(customer, metric, 8, world.days_ago(1))
    world.use(customer, metric, 8, world.days_ago(20))
    world.run_due_work()
    for invoice in world.invoices(customer):
        assert all(line.list_price is None for line in invoice.line_items)
        asked = world.sdk.v1.customers.invoices.retrieve(
            customer_id=customer, invoice_id=invoice.id, extra_query={"include_list_prices": "true"}
        ).data
        for line in asked.line_items:
            assert line.list_price is not None
            assert line.list_price.rate_type == "TIERED"
            assert [(t.size, t.price) for t in line.list_price.tiers] == [(5, 100), (None, 50)]
            assert line.list_price.credit_type.name == "USD (cents)"
        why = http.get(
            f"/tactus/v1/customers/{customer}/invoices/{invoice.id}/lines/{asked.line_items[0].id}/explanation"
        ).json()["data"]
        assert why["overrides"]["winner"]["words"].endswith("multiplies the price by 0.8")
        [lost] = why["overrides"]["lost"]
        assert (lost["words"].endswith("by 0.9"), "greater discount" in lost["reason"]) == (True, True)
        assert Decimal(why["line"]["unit_price"]) == exact(asked.line_items[0].unit_price) == 80
    listed = world.invoices(customer, extra_query={"include_list_prices": "true"})
    assert all(line.list_price for invoice in listed for line in invoice.line_items)
    parts = world.sdk.v1.customers.invoices.list_breakdowns(
        customer_id=customer,
        starting_on=world.days_ago(2),
        ending_before=world.days_ago(0),
        extra_query={"include_list_prices": "true"},
    )
    assert all(line.list_price for part in parts for line in part.line_items)


def test_the_number_of_queries_does_not_grow_with_overrides(world: World) -> None:
    metric, product, card = world.priced(price=100)
    counts = []
    for number in (1, 30):
        customer = world.customer()
        override = {"type": "MULTIPLIER", "multiplier": 0.5, "product_id": product, "starting_at": world.days_ago(5)}
        contract = world.open_contract(customer, card, overrides=[override] * number)
        world.use(customer, metric, 1, world.days_ago(1))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            world.invoices(customer)
            world.sdk.v2.contracts.retrieve(contract_id=contract, customer_id=customer)
            world.sdk.v1.contracts.list(customer_id=customer)
        counts.append(len(queries))
    assert counts[0] == counts[1]
