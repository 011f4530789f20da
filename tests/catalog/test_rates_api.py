"""Rates as the official SDK sees them."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.db import connection
from metronome import BadRequestError, Metronome

from catalog import services
from catalog.models import Rate
from core.clock import now
from tests.catalog.shop import USD, Shop, day, eur

ADD = "/v1/contract-pricing/rate-cards/addRate"
TIERS = [{"size": 5, "price": 0}, {"size": "2.5", "price": 100}, {"price": "0.25"}]


def brief(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [(row.product_name, row.rate.price, row.starting_at, row.ending_before) for row in rows]


def test_a_flat_rate(sdk: Metronome, shop: Shop) -> None:
    card, product = shop.card(), shop.product(name="Calls", tags=["api"], custom_fields={"sku": "1"})
    added = shop.rate(card, product, price=250)
    assert (added.rate_type, added.price, added.credit_type.id) == ("FLAT", 250, USD)
    [row] = shop.rates(card, day(0))
    assert row.to_dict(mode="json") == {
        "product_id": product,
        "product_name": "Calls",
        "product_tags": ["api"],
        "product_custom_fields": {"sku": "1"},
        "entitled": True,
        "starting_at": "2024-01-01T00:00:00Z",
        "rate": {"rate_type": "FLAT", "credit_type": {"id": USD, "name": "USD (cents)"}, "price": 250},
    }
    assert shop.rates(card, day(-1)) == []


def test_a_tiered_rate(shop: Shop) -> None:
    card, product = shop.card(), shop.product()
    added = shop.rate(card, product, tiers=TIERS)
    assert added.rate_type == "TIERED"
    assert [(t.size, t.price) for t in added.tiers] == [(5, 0), (2.5, 100), (None, 0.25)]
    [row] = shop.rates(card, day(3))
    assert [(t.size, t.price) for t in row.rate.tiers] == [(5, 0), (2.5, 100), (None, 0.25)]
    assert row.rate.price is None


@pytest.mark.parametrize("price", ["0.00000000000000000000000000000001", "0.1", "12345678901234567890.123456789", "0"])
def test_prices_stay_exact(http: httpx.Client, shop: Shop, price: str) -> None:
    card, product = shop.card(), shop.product()
    body = f'{{"rate_card_id": "{card}", "product_id": "{product}", "starting_at": "2024-01-01T00:00:00Z", '
    body += f'"entitled": true, "rate_type": "flat", "price": {price}}}'
    answer = http.post(ADD, content=body, headers={"Content-Type": "application/json"})
    assert json.loads(answer.text, parse_float=Decimal)["data"]["price"] == Decimal(price)
    assert Rate.objects.get().price == Decimal(price)
    read = http.post(
        "/v1/contract-pricing/rate-cards/getRates", json={"rate_card_id": card, "at": "2024-06-01T00:00:00Z"}
    )
    assert json.loads(read.text, parse_float=Decimal)["data"][0]["rate"]["price"] == Decimal(price)


def test_a_rate_without_credit_type_is_in_the_cards_currency(shop: Shop) -> None:
    product = shop.product()
    euros = shop.card(fiat_credit_type_id=eur())
    assert shop.rate(euros, product, price=1).credit_type.name == "EUR"
    assert shop.rate(euros, product, price=1, credit_type_id=eur()).credit_type.name == "EUR"
    with pytest.raises(BadRequestError, match="credit_type_id: must be the rate card"):
        shop.rate(euros, product, price=1, credit_type_id=USD)


def test_the_rate_added_last_counts_where_several_overlap(shop: Shop) -> None:
    card, product = shop.card(), shop.product(name="P")
    shop.rate(card, product, day(0), price=1)
    shop.rate(card, product, day(10), price=2, ending_before=day(20))
    shop.rate(card, product, day(15), price=3, ending_before=day(17))
    whole = [
        ("P", 1, day(0), day(10)),
        ("P", 2, day(10), day(15)),
        ("P", 3, day(15), day(17)),
        ("P", 2, day(17), day(20)),
        ("P", 1, day(20), None),
    ]
    assert brief(shop.schedule(card, day(0))) == whole
    assert brief(shop.schedule(card, day(-9))) == whole
    assert brief(shop.schedule(card, day(16))) == whole[2:]
    assert brief(shop.schedule(card, day(17), ending_before=day(20))) == [whole[3]]
    assert brief(shop.schedule(card, day(-9), ending_before=day(0))) == []
    for number, expected in [(0, 0), (9, 0), (10, 1), (15, 2), (17, 3), (20, 4), (999, 4)]:
        assert brief(shop.rates(card, day(number))) == [whole[expected]], number
    shop.rate(card, product, day(0), price=9)
    assert brief(shop.schedule(card, day(0))) == [("P", 9, day(0), None)]


def test_rates_by_pricing_group_values(shop: Shop) -> None:
    card = shop.card()
    product = shop.product(shop.metric(["region", "cloud"]), pricing_group_key=["region", "cloud"])
    for region, cloud, price in [("us", "aws", 12), ("us", "az", 14), ("eu", "aws", 16), ("eu", "az", 18)]:
        shop.rate(card, product, price=price, pricing_group_values={"region": region, "cloud": cloud})
    other = shop.product()
    shop.rate(card, other, price=1)

    def prices(*selectors: dict[str, Any]) -> list[float]:
        rows = shop.rates(card, day(1), selectors=list(selectors))
        schedule = shop.schedule(card, day(1), selectors=list(selectors))
        assert [row.rate.price for row in rows] == [row.rate.price for row in schedule]
        return [row.rate.price for row in rows]

    assert prices() == [12, 14, 16, 18, 1]
    assert prices({"product_id": product}) == [12, 14, 16, 18]
    assert prices({"pricing_group_values": {"cloud": "az", "region": "us"}}) == [14]
    assert prices({"pricing_group_values": {"cloud": "az"}}) == []
    assert prices({"partial_pricing_group_values": {"cloud": "az"}}) == [14, 18]
    assert prices({"partial_pricing_group_values": {"cloud": "az"}, "product_id": other}) == []
    assert prices({"product_id": other}, {"partial_pricing_group_values": {"region": "eu"}}) == [16, 18, 1]
    assert prices({"product_id": other}, {"product_id": product}) == [12, 14, 16, 18, 1]
    assert prices({"billing_frequency": "MONTHLY"}) == []
    assert prices({"product_id": str(uuid.uuid4())}) == []
    [row] = shop.rates(card, day(1), selectors=[{"pricing_group_values": {"region": "us", "cloud": "aws"}}])
    assert row.pricing_group_values == row.rate.pricing_group_values == {"region": "us", "cloud": "aws"}


def test_rates_by_product_tags(sdk: Metronome, shop: Shop) -> None:
    card = shop.card()
    products = [shop.product(tags=tags) for tags in (["a", "b"], ["b"], [])]
    for price, product in enumerate(products):
        shop.rate(card, product, price=price)

    def prices(at: Any, *tags: str) -> list[float]:
        return [row.rate.price for row in shop.rates(card, at, selectors=[{"product_tags": list(tags)}])]

    assert prices(day(1), "a") == [0]
    assert prices(day(1), "b", "c") == [0, 1]
    sdk.v1.contracts.products.update(product_id=products[2], starting_at=day(5), tags=["a"])
    assert prices(day(4), "a") == [0]
    assert prices(day(5), "a") == [0, 2]


def test_names_are_those_of_the_time(sdk: Metronome, shop: Shop) -> None:
    card, product = shop.card(), shop.product(name="Old")
    shop.rate(card, product, price=1)
    sdk.v1.contracts.products.update(product_id=product, starting_at=day(10), name="New")
    assert [row.product_name for row in shop.rates(card, day(9))] == ["Old"]
    assert [row.product_name for row in shop.rates(card, day(10))] == ["New"]


def test_add_many_keeps_their_order(sdk: Metronome, shop: Shop) -> None:
    card, products = shop.card(), [shop.product(), shop.product()]
    rates = [
        {"product_id": p, "starting_at": day(0), "entitled": e, "rate_type": "FLAT", "price": price}
        for p, price, e in [(products[0], 1, True), (products[1], 2, False), (products[0], 3, True)]
    ]
    answer = sdk.v1.contracts.rate_cards.rates.add_many(rate_card_id=card, rates=rates)
    assert answer.data.id == card
    found = {row.product_id: (row.rate.price, row.entitled) for row in shop.rates(card, day(0))}
    assert found == {products[0]: (3, True), products[1]: (2, False)}
    sequences = list(Rate.objects.filter(rate_card_id=card).order_by("sequence").values_list("sequence", "price"))
    assert sequences == [(1, 1), (2, 2), (3, 3)]


def test_add_many_adds_all_or_none(sdk: Metronome, shop: Shop) -> None:
    card, product = shop.card(), shop.product()
    good = {"product_id": product, "starting_at": day(0), "entitled": True, "rate_type": "FLAT", "price": 1}
    for spoiled, message in [
        (good | {"product_id": str(uuid.uuid4())}, "rates.1.product_id: no such product"),
        (good | {"credit_type_id": eur()}, "rates.1.credit_type_id: "),
        (good | {"pricing_group_values": {"region": "us"}}, "rates.1.pricing_group_values: "),
        (good | {"ending_before": day(0)}, "rates.1.ending_before: must be after starting_at"),
        (good | {"price": -1}, "rates.1.price: must be 0 or more"),
        (good | {"price": None}, "rates.1.price: "),
    ]:
        with pytest.raises(BadRequestError, match=message):
            sdk.v1.contracts.rate_cards.rates.add_many(rate_card_id=card, rates=[good, spoiled, good])
    assert not Rate.objects.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"price": None}, "price: "),
        ({"tiers": TIERS}, "tiers: FLAT rates have no tiers"),
        ({"rate_type": "TIERED"}, "price: TIERED rates have no price"),
        ({"rate_type": "TIERED", "tiers": TIERS}, "price: TIERED rates have no price"),
        ({"rate_type": "TIERED", "price": ..., "tiers": []}, "tiers: TIERED rates need tiers"),
        ({"rate_type": "TIERED", "price": ..., "tiers": [{"size": 1, "price": 1}]}, "tiers: "),
        ({"rate_type": "TIERED", "price": ..., "tiers": [{"price": 1}, {"price": 1}]}, "tiers: "),
        ({"rate_type": "TIERED", "price": ..., "tiers": [{"size": 0, "price": 1}, {"price": 1}]}, "size: "),
        ({"rate_type": "TIERED", "price": ..., "tiers": [{"size": 1, "price": -1}, {"price": 1}]}, "price: "),
        ({"rate_type": "PERCENTAGE"}, "rate_type: a USAGE product has rates of type"),
        ({"rate_type": "CUSTOM", "price": ...}, "custom_rate: a CUSTOM rate needs it"),
        ({"rate_type": "CUSTOM", "custom_rate": {"a": 1}}, "price: CUSTOM rates have no price"),
        ({"rate_type": "CUSTOM", "price": ..., "custom_rate": {}}, "custom_rate: must be an object"),
        ({"rate_type": "CUSTOM", "price": ..., "custom_rate": {"a": "x" * 10_000}}, "custom_rate: must be at most"),
        ({"custom_rate": {"a": 1}}, "custom_rate: only for a CUSTOM rate"),
        ({"commit_rate": {"rate_type": "CUSTOM"}}, "commit_rate.rate_type: cannot be CUSTOM here"),
        ({"rate_type": "SUBSCRIPTION"}, "rate_type: a USAGE product has rates of type"),
        ({"commit_rate": {"rate_type": "FLAT"}}, "commit_rate.price: FLAT rates need price"),
        ({"billing_frequency": "MONTHLY"}, "billing_frequency: does not apply to a USAGE product"),
        ({"is_prorated": True}, "is_prorated: must be true, and only for a SUBSCRIPTION rate"),
        ({"quantity": 1}, "quantity: only for a SUBSCRIPTION rate"),
        ({"minimum_config": {"minimum": 5}}, "minimum_config.minimum: FLAT rates have no"),
        ({"ending_before": "2024-01-01T00:00:00Z"}, "ending_before: must be after starting_at"),
        ({"starting_at": "2024-01-01T00:30:00Z"}, "starting_at: must be on the hour"),
        ({"price": "1e-41"}, "price: "),
        ({"pricing_group_values": {"region": "us"}}, "pricing_group_values: must name exactly"),
        ({"product_id": str(uuid.uuid4())}, "product_id: no such product"),
    ],
)
def test_rates_that_cannot_be(http: httpx.Client, shop: Shop, changes: dict[str, Any], message: str) -> None:
    body = {"rate_card_id": shop.card(), "product_id": shop.product(), "starting_at": "2024-01-01T00:00:00Z"}
    body |= {"entitled": True, "rate_type": "FLAT", "price": 1} | changes
    answer = http.post(ADD, json={key: value for key, value in body.items() if value is not ...})
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert not Rate.objects.exists()


def test_group_values_must_name_the_products_key_exactly(sdk: Metronome, shop: Shop) -> None:
    card = shop.card()
    product = shop.product(shop.metric(["region", "cloud"]), pricing_group_key=["region", "cloud"])
    for values in ({}, {"region": "us"}, {"region": "us", "cloud": "aws", "zone": "a"}, {"Region": "us", "cloud": "a"}):
        with pytest.raises(BadRequestError, match=r"pricing_group_values: must name exactly .*: cloud, region"):
            shop.rate(card, product, price=1, pricing_group_values=values)
    # a key that the product has only later can be priced ahead
    later = shop.product(shop.metric(["region"]))
    sdk.v1.contracts.products.update(product_id=later, starting_at=day(10), pricing_group_key=["region"])
    shop.rate(card, later, day(0), price=1, pricing_group_values={"region": "us"})
    with pytest.raises(BadRequestError, match="must name exactly"):
        shop.rate(card, later, day(0), ending_before=day(10), price=1, pricing_group_values={"region": "us"})


@pytest.mark.parametrize("kind", ["FIXED", "PRO_SERVICE"])
def test_products_priced_on_the_contract_have_no_rates(sdk: Metronome, shop: Shop, kind: str) -> None:
    product = sdk.v1.contracts.products.create(name="x", type=kind).data.id
    with pytest.raises(BadRequestError, match=f"product_id: {kind} products have no rates"):
        shop.rate(shop.card(), product, price=1)


def test_archived_products_get_no_new_rates(sdk: Metronome, shop: Shop) -> None:
    card, product = shop.card(), shop.product()
    shop.rate(card, product, price=1)
    sdk.v1.contracts.products.archive(product_id=product)
    with pytest.raises(BadRequestError, match="product_id: the product is archived"):
        shop.rate(card, product, price=2)
    assert [row.rate.price for row in shop.rates(card, day(0))] == [1]


def test_pages_of_rates(http: httpx.Client, sdk: Metronome, shop: Shop) -> None:
    card = shop.card()
    products = [shop.product() for _ in range(3)]
    for start in range(2):
        for index, product in enumerate(products):
            shop.rate(card, product, day(start * 10), price=index * 10 + start)
    pages = [
        [row.rate.price for row in page.data]
        for page in sdk.v1.contracts.rate_cards.rates.list(rate_card_id=card, at=day(12), limit=2).iter_pages()
    ]
    assert pages == [[1, 11], [21]]

    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"next_page": cursor} if cursor else {})
        page = sdk.v1.contracts.rate_cards.retrieve_rate_schedule(rate_card_id=card, starting_at=day(0), **query)
        seen.append([row.rate.price for row in page.data])
        cursor = page.next_page
        if cursor is None:
            break
    assert seen == [[0, 1], [10, 11], [20, 21]]

    customers = http.get("/v1/billable-metrics?limit=1").json()["next_page"]
    for strange in ("nonsense", customers, "WzEsMiwzXQ"):
        answer = http.post(
            f"/v1/contract-pricing/rate-cards/getRates?next_page={strange}",
            json={"rate_card_id": card, "at": "2024-01-01T00:00:00Z"},
        )
        assert answer.status_code == 400, strange
        assert "next_page" in answer.json()["message"]


def test_reading_rates_costs_the_same_however_many_there_are(shop: Shop, django_assert_num_queries) -> None:
    card = shop.card()
    for count in (1, 15):
        for price in range(count):
            shop.rate(card, shop.product(), price=price)
        with django_assert_num_queries(7):  # key, card, aliases, conversions, rates, versions, product orders
            shop.rates(card, day(1))


def test_adding_many_rates_costs_the_same_however_many(sdk: Metronome, shop: Shop, django_assert_num_queries) -> None:
    for many in (1, 10):
        card = shop.card()
        rates = [
            {"product_id": product, "starting_at": day(i), "entitled": True, "rate_type": "FLAT", "price": i}
            for product in [shop.product() for _ in range(many)]
            for i in range(many)
        ]
        with django_assert_num_queries(13):
            sdk.v1.contracts.rate_cards.rates.add_many(rate_card_id=card, rates=rates)
        assert Rate.objects.filter(rate_card_id=card).count() == many * many


def test_reading_needs_only_the_read_scope(scoped_http, shop: Shop) -> None:
    card = shop.card()
    reader = scoped_http("catalog:read")
    body = {"rate_card_id": card, "at": "2024-01-01T00:00:00Z"}
    assert reader.post("/v1/contract-pricing/rate-cards/getRates", json=body).status_code == 200
    assert reader.post("/v1/contract-pricing/products/list", json={}).status_code == 200
    assert reader.post("/v1/contract-pricing/rate-cards/create", json={"name": "x"}).status_code == 403
    assert scoped_http("customers:read").get("/v1/billable-metrics").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_rates_added_at_once_are_all_kept_in_one_order() -> None:
    metric = services.create_metric(name="Calls", aggregation_type="COUNT", now=now())
    fields = {"name": "Calls", "billable_metric_id": str(metric.pk)}
    product = services.create_product(product_type="USAGE", fields=fields, now=now())
    card = services.create_rate_card(name="Busy", now=now())
    together = Barrier(6)

    def add(number: int) -> None:
        try:
            together.wait(10)
            rates = [services.NewRate(product.pk, day(0), True, "FLAT", price=Decimal(number))] * 3
            services.add_rates(rate_card_id=card.pk, rates=rates, now=now())
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))
    rows = list(Rate.objects.filter(rate_card=card).order_by("sequence").values_list("sequence", "price"))
    assert [sequence for sequence, _ in rows] == list(range(1, 19))
    # each request's rates stand next to each other
    assert [price for _, price in rows[::3]] == [price for _, price in rows[2::3]]
