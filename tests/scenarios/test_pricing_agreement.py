"""Draft, preview, breakdowns, final invoice and explanations agree to the last digit, whatever was agreed and used."""

import csv
import random
import uuid
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.exact_json import loads
from tests.scenarios.world import Metric, World

pytestmark = pytest.mark.django_db
DAYS = 40
SAME = ("id", "line_items", "subtotal", "rounding", "total", "unrated", "credit_type")
AGGREGATIONS = ("SUM", "SUM", "COUNT", "MAX", "LATEST", "UNIQUE")


def read(http: httpx.Client, path: str, **query: Any) -> Any:
    answer = http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return loads(answer.content)["data"]


def money(dice: random.Random) -> float:
    return dice.choice([0, 1, 0.1, 12.345, 100, 0.000001, 33.3])


def price(dice: random.Random) -> dict[str, Any]:
    kind = dice.choice(["FLAT", "TIERED", "VOLUME", "PACKAGE"])
    if kind == "FLAT":
        return {"rate_type": kind, "price": money(dice)}
    if kind == "PACKAGE":
        return {"rate_type": kind, "price": money(dice), "package_size": dice.choice([1, 2.5, 10])}
    sizes = [dice.choice([0.5, 1, 3, 10]) for _ in range(dice.randint(1, 3))]
    return {
        "rate_type": kind,
        "tiers": [*({"size": size, "price": money(dice)} for size in sizes), {"price": money(dice)}],
    }


def post(http: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    answer = http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json().get("data")


def override(dice: random.Random, products: list[str], start: Any, days: int) -> dict[str, Any]:
    begins = start + timedelta(hours=dice.randint(0, 24 * days))
    made: dict[str, Any] = {"starting_at": begins.isoformat()}
    if dice.random() < 0.5:
        made["ending_before"] = (begins + timedelta(hours=dice.randint(1, 200))).isoformat()
    kind = dice.choice(["MULTIPLIER", "MULTIPLIER", "TIERED", "OVERWRITE", "ENTITLED"])
    if kind == "ENTITLED":
        return made | {"entitled": dice.random() < 0.7, "product_id": dice.choice(products)}
    made |= {"type": kind, "priority": dice.randint(1, 10**6)}
    if kind == "OVERWRITE":
        return made | {"overwrite_rate": price(dice), "product_id": dice.choice(products)}
    if kind == "MULTIPLIER":
        made["multiplier"] = dice.choice([0, 0.5, 0.9, 1.25])
    else:
        made["tiers"] = [{"size": dice.choice([1, 5]), "multiplier": 0.5}, {"multiplier": dice.choice([0.1, 1])}]
    target = dice.random()
    if target < 0.4:
        return made | {"product_id": dice.choice(products)}
    if target < 0.7:
        return made | {"applicable_product_tags": [dice.choice(["even", "odd"])]}
    specifier = dice.choice(
        [{"pricing_group_values": {"region": "r1"}}, {"presentation_group_values": {"project": "p1"}}]
    )
    return made | {"override_specifiers": [specifier]}


def price_list(
    world: World, http: httpx.Client, dice: random.Random, start: Any
) -> tuple[str, list[Metric], list[str]]:
    """A card in two units with products of every kind that change in mid-period."""
    units = world.sdk.v1.pricing_units.create(name=f"Unit {uuid.uuid4()}").data.id
    card = world.card(credit_type_conversions=[{"custom_credit_type_id": units, "fiat_per_custom_credit": 0.37}])
    metrics, products = [], []
    for number in range(4):
        metric = world.metric(dice.choice(AGGREGATIONS), groups=[["region", "project"]])
        keys: dict[str, Any] = {"pricing_group_key": ["region"], "presentation_group_key": ["project"]}
        if number == 3:
            keys = {"quantity_conversion": {"conversion_factor": 3, "operation": "DIVIDE"},
                    "quantity_rounding": {"rounding_method": "ROUND_UP", "decimal_places": 0}}  # fmt: skip
        product = world.product(metric, f"P{number}", tags=["even" if number % 2 == 0 else "odd"], **keys)
        metrics.append(metric)
        products.append(product)
        unit = {"credit_type_id": units} if number == 1 else {}
        for region in ("r1", "r2") if number < 3 else (None,):
            values = {} if region is None else {"pricing_group_values": {"region": region}}
            for hours in (0, *(dice.randint(1, 24 * DAYS) for _ in range(dice.randint(0, 2)))):
                begins = (start + timedelta(hours=hours)).isoformat()
                rate = {"rate_card_id": card, "product_id": product, "starting_at": begins, "entitled": True}
                post(http, "/v1/contract-pricing/rate-cards/addRate", rate | price(dice) | values | unit)
    fee = world.sdk.v1.contracts.products.create(name="Fee", type="COMPOSITE", composite_tags=["odd"]).data.id
    world.rate(card, fee, price=0.1, rate_type="PERCENTAGE")
    world.sdk.v1.contracts.products.update(
        product_id=products[2], starting_at=start + timedelta(hours=dice.randint(1, 900)), tags=["odd"], name="Renamed"
    )
    return card, metrics, products


def billed(world: World, http: httpx.Client, dice: random.Random) -> tuple[str, list[dict[str, Any]]]:
    """A customer with a random contract that began 40 days ago, and the random events that were sent."""
    start = world.days_ago(DAYS)
    card, metrics, products = price_list(world, http, dice, start)
    customer = world.customer()
    post(http, "/v1/contracts/create", {
        "customer_id": customer, "rate_card_id": card, "starting_at": start.isoformat(),
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        "multiplier_override_prioritization": "EXPLICIT",
        "overrides": [override(dice, products, start, DAYS) for _ in range(8)],
    })  # fmt: skip
    events = [
        world.event(
            customer, metric, dice.choice(["1", "2.5", "-1", "0.001", "7", "12"]),
            world.now - timedelta(minutes=dice.randint(1, 33 * 24 * 60)),
            region=dice.choice(["r1", "r2"]), project=dice.choice(["p1", "p2"]),
        )
        for metric in metrics for _ in range(18)
    ]  # fmt: skip
    world.send(*events)
    return customer, events


def preview(http: httpx.Client, customer: str, events: list[dict[str, Any]], mode: str) -> Any:
    kept = ("event_type", "timestamp", "properties")  # with the ids that are stored they would not count again
    given = [{name: event[name] for name in kept if name in event} for event in events]
    answer = http.post(f"/v1/customers/{customer}/previewEvents", json={"events": given, "mode": mode})
    assert answer.status_code == 200, answer.text
    return loads(answer.content)["data"]


def console_rows(http: httpx.Client, customer: str, invoice: str) -> list[tuple[Decimal, ...]]:
    """(quantity, amount in stored units) of each line, then rounding and total, from the file of the console's page."""
    code = post(http, "/tactus/v1/embed/sessions", {"customer_id": customer})["code"]
    token = post(http, "/tactus/v1/embed/exchange", {"code": code})["access_token"]
    made = http.post(
        "/console/downloads",
        data={"path": f"invoices/{invoice}.csv"},
        headers={"Authorization": f"Bearer {token}"},
    )
    place = loads(made.headers["HX-Trigger"].encode())["tactus:download"]["url"]
    rows = csv.DictReader(StringIO(http.get(place).text.removeprefix("\ufeff")))
    return [
        (Decimal(row["quantity"] or 0), Decimal(row["amount"]) * (100 if row["currency"] == "USD" else 1))
        for row in rows
    ]


def check_arithmetic(row: dict[str, Any]) -> None:
    lines = row["line_items"]
    counted = sum((line["total"] for line in lines if line["credit_type"] == row["credit_type"]), Decimal(0))
    assert (counted, counted + row["rounding"]) == (row["subtotal"], row["total"])
    assert len({line["id"] for line in lines}) == len(lines)
    for line in lines:
        assert line["quantity"] * line["unit_price"] == line["total"]


def breakdown_sums(http: httpx.Client, path: str, query: dict[str, Any]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    while True:
        page = loads(http.get(f"{path}/breakdowns", params=query).content)
        for part in page["data"]:
            sums[part["id"]] = sums.get(part["id"], Decimal(0)) + part["total"]
        if page["next_page"] is None:
            return sums
        query = query | {"next_page": page["next_page"]}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_all_ways_to_read_an_invoice_agree(world: World, http: httpx.Client, seed: int) -> None:
    customer, events = billed(world, http, random.Random(seed))
    path = f"/v1/customers/{customer}/invoices"
    past, running = drafts = read(http, path)
    for row in drafts:
        check_arithmetic(row)
        lines = [(line["quantity"], line["total"]) for line in row["line_items"]]
        assert console_rows(http, customer, row["id"]) == [*lines, (0, row["rounding"]), (0, row["total"])]
    assert preview(http, customer, [{"event_type": "something else", "properties": {}}], "merge") == [running]
    assert preview(http, customer, events, "replace") == [running]
    end = (world.now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    query = {"starting_on": world.days_ago(DAYS).isoformat(), "ending_before": end.isoformat()}
    assert breakdown_sums(http, path, query) == {row["id"]: row["subtotal"] for row in drafts}
    for row, until in ((past, None), (running, world.now + timedelta(days=60))):
        world.run_due_work(until=until)
        final = read(http, f"{path}/{row['id']}")
        assert final["status"] == "FINALIZED"
        assert {name: final[name] for name in SAME} == {name: row[name] for name in SAME}
        assert console_rows(http, customer, row["id"])[-1] == (0, row["total"])
