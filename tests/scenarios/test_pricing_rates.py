"""Kinds of rates, pricing units, composite products, products that change in mid-period, and a contract's schedule."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from metronome import BadRequestError, ConflictError

from tests.odd_input import Endpoint, faults
from tests.scenarios.world import USD, World, exact
from usage.models import RollupSeries
from usage.services import roll_usage

pytestmark = [pytest.mark.django_db, pytest.mark.calendar]
ADD = "/v1/contract-pricing/rate-cards/addRate"


def lines(invoice: Any, *, zero: bool = False) -> list[tuple[Any, ...]]:
    return [
        (line.name, exact(line.quantity), exact(line.unit_price), exact(line.total))
        for line in invoice.line_items
        if zero or line.quantity
    ]


def own(http: httpx.Client, card: str, product: str, **rate: Any) -> httpx.Response:
    """Tactus's own kinds of rates, which the SDK's types do not name."""
    body = {"rate_card_id": card, "product_id": product, "starting_at": "2020-01-01T00:00:00Z", "entitled": True}
    return http.post(ADD, json=body | rate)


def test_volume_and_package(world: World, http: httpx.Client) -> None:
    volume, package = world.metric(), world.metric()
    card = world.card()
    tiers = [{"size": 10, "price": 100}, {"price": 50}]
    answer = own(http, card, world.product(volume, "Volume"), rate_type="VOLUME", tiers=tiers)
    assert answer.status_code == 200, answer.text
    answer = own(http, card, world.product(package, "Package"), rate_type="PACKAGE", price=300, package_size=100)
    assert answer.json()["data"]["package_size"] == 100
    for used, first, second in ((10, 1000, 300), (11, 550, 300), (250, 12500, 900)):
        customer = world.customer()
        world.open_contract(customer, card)
        world.use(customer, volume, used, world.days_ago(2))
        world.use(customer, package, used, world.days_ago(1))
        found = {line.name: exact(line.total) for line in world.invoice(customer).line_items}
        assert found == {"Volume": first, "Package": second}
    for rate, field in (
        ({"rate_type": "PACKAGE", "price": 1}, "package_size"),
        ({"rate_type": "PACKAGE", "price": 1, "package_size": 0}, "package_size"),
        ({"rate_type": "VOLUME", "price": 1}, "price"),
        ({"rate_type": "FLAT", "price": 1, "package_size": 5}, "package_size"),
    ):
        answer = own(http, card, world.product(volume), **rate)
        assert answer.status_code == 400
        assert field in answer.json()["message"].partition(" ")[0]


def test_a_custom_rate_is_kept_and_its_usage_left_unrated_until_an_override_prices_it(
    world: World, http: httpx.Client
) -> None:
    metric, card = world.metric(), world.card()
    product = world.product(metric)
    rates = world.sdk.v1.contracts.rate_cards.rates
    custom = {"program": "spot-market", "factor": 1.5, "tables": [{"of": "eu"}]}
    terms = {"rate_card_id": card, "product_id": product, "entitled": True}
    rates.add(**terms, starting_at="2020-01-01T00:00:00Z", rate_type="FLAT", price=7)
    added = rates.add(**terms, starting_at="2020-01-02T00:00:00Z", rate_type="CUSTOM", custom_rate=custom).data
    assert (added.rate_type, added.custom_rate, added.price) == ("CUSTOM", custom, None)
    [listed] = rates.list(rate_card_id=card, at=world.days_ago(1))
    assert listed.rate.custom_rate == custom
    customer = world.customer()
    contract = world.open_contract(customer, card)
    world.use(customer, metric, 10, world.days_ago(2))
    invoice = world.invoice(customer)
    assert (lines(invoice), exact(invoice.total)) == ([], 0)
    [left] = invoice.model_extra["unrated"]
    assert (exact(left["quantity"]), left["reason"]) == (10, "no program computes the CUSTOM rate")
    start = invoice.start_timestamp.isoformat()
    doubled = {"type": "MULTIPLIER", "multiplier": 2, "starting_at": start, "product_id": product}
    priced = {"type": "OVERWRITE", "starting_at": start, "product_id": product}
    priced["overwrite_rate"] = {"rate_type": "FLAT", "price": 30}
    for override, total in ((doubled, 0), (priced, 300)):
        world.sdk.v2.contracts.edit(customer_id=customer, contract_id=contract, add_overrides=[override])
        assert exact(world.invoice(customer).total) == total
    assert world.invoice(customer).model_extra["unrated"] == []


def test_subscription_rates_by_frequency(world: World) -> None:
    card = world.card()
    product = world.sdk.v1.contracts.products.create(name="Seat", type="SUBSCRIPTION").data.id
    with pytest.raises(BadRequestError, match="billing_frequency"):
        world.rate(card, product, price=1)
    for price, frequency in ((1000, "MONTHLY"), (10000, "ANNUAL")):
        world.rate(card, product, price=price, billing_frequency=frequency)
    rates = world.sdk.v1.contracts.rate_cards.rates
    found = list(rates.list(rate_card_id=card, at=world.now))
    assert [(row.billing_frequency, row.rate.price) for row in found] == [("MONTHLY", 1000), ("ANNUAL", 10000)]
    [yearly] = rates.list(rate_card_id=card, at=world.now, selectors=[{"billing_frequency": "ANNUAL"}])
    assert yearly.rate.price == 10000


def test_commit_rates_are_listed(world: World) -> None:
    _, _, card = world.priced(
        price=100, commit_rate={"rate_type": "TIERED", "tiers": [{"size": 5, "price": 1}, {"price": 2}]}
    )
    [row] = world.sdk.v1.contracts.rate_cards.rates.list(rate_card_id=card, at=world.now)
    assert row.commit_rate is not None
    assert [(t.size, t.price) for t in row.commit_rate.tiers or []] == [(5, 1), (None, 2)]


def test_usage_in_a_custom_unit_is_converted(world: World, http: httpx.Client) -> None:
    units = world.sdk.v1.pricing_units
    credits = units.create(name="AI credits").data.id
    with pytest.raises(ConflictError):
        units.create(name="AI credits")
    listed = {unit.id: unit for unit in units.list(limit=1)}
    assert (listed[credits].name, listed[credits].is_currency, listed[USD].is_currency) == ("AI credits", False, True)
    conversion = {"custom_credit_type_id": credits, "fiat_per_custom_credit": 12.5}
    card = world.card(credit_type_conversions=[conversion])
    read = world.sdk.v1.contracts.rate_cards.retrieve(id=card).data
    [shown] = read.credit_type_conversions or []
    assert (shown.custom_credit_type.name, shown.fiat_per_custom_credit) == ("AI credits", "12.5")
    with pytest.raises(BadRequestError, match=r"add_credit_type_conversions\.0"):
        world.sdk.v1.contracts.rate_cards.update(rate_card_id=card, add_credit_type_conversions=[conversion])
    plain, custom = world.metric(), world.metric()
    world.rate(card, world.product(plain, "Calls"), price=100)
    product = world.product(custom, "Thoughts")
    with pytest.raises(BadRequestError, match="credit_type_id"):
        world.rate(world.card(), product, price=2, credit_type_id=credits)
    world.rate(card, product, price=0.2, credit_type_id=credits)
    with pytest.raises(BadRequestError, match="credit_type_id: a product keeps"):
        world.rate(card, product, price=2)
    customer = world.customer()
    start = world.days_ago(40)
    schedule: Any = {"frequency": "MONTHLY", "day": "CONTRACT_START"}
    world.contract(customer, card, start, usage_statement_schedule=schedule)
    for at in (world.days_ago(20), world.days_ago(1)):
        world.use(customer, plain, 3, at)
        world.use(customer, custom, 33, at)
    world.run_due_work()
    for invoice in world.invoices(customer):
        assert lines(invoice) == [
            ("Calls", 3, 100, 300),
            ("Thoughts", 33, Decimal("0.2"), Decimal("6.6")),
            ("Conversion of AI credits", Decimal("6.6"), Decimal("12.5"), Decimal("82.5")),
        ]
        calls, thoughts, converted = [line for line in invoice.line_items if line.quantity]
        assert [line.credit_type.name for line in (calls, thoughts, converted)] == [
            "USD (cents)", "AI credits", "USD (cents)",
        ]  # fmt: skip
        assert (converted.type, converted.product_id) == ("cpu_conversion", None)
        assert (exact(invoice.total), exact(invoice.subtotal)) == (383, Decimal("382.5"))
        pdf = http.get(f"/v1/customers/{customer}/invoices/{invoice.id}/pdf")
        assert pdf.content[:5] == b"%PDF-"
        parts = world.sdk.v1.customers.invoices.list_breakdowns(
            customer_id=customer, starting_on=start, ending_before=world.now.replace(minute=0, second=0, microsecond=0)
        )
        assert sum(exact(part.total) for part in parts if part.id == invoice.id) == Decimal("382.5")
    units.archive(id=credits)
    assert credits not in {unit.id for unit in units.list()}
    with pytest.raises(BadRequestError):
        world.card(credit_type_conversions=[conversion])
    with pytest.raises(BadRequestError, match="currency"):
        units.archive(id=USD)


def test_composite_products(world: World) -> None:
    metric, other = world.metric(), world.metric()
    card = world.card()
    base = world.product(metric, "Base", tags=["core"])
    world.rate(card, base, price=100)
    world.rate(card, world.product(other, "Other"), price=1000)
    products = world.sdk.v1.contracts.products
    support = products.create(name="Support", type="COMPOSITE", composite_tags=["core"]).data.id
    tiered = products.create(name="Tax", type="COMPOSITE", composite_product_ids=[base]).data.id
    world.sdk.v1.contracts.rate_cards.rates.add(
        rate_card_id=card, product_id=support, starting_at=world.days_ago(90), entitled=True, rate_type="PERCENTAGE",
        price=0.1, extra_body={"minimum_config": {"minimum": 150}},
    )  # fmt: skip
    world.rate(card, tiered, tiers=[{"size": 500, "price": 0.5}, {"price": 0.25}], rate_type="TIERED_PERCENTAGE")
    assert products.retrieve(id=tiered).data.current.composite_product_ids == [base]
    for used, charge, tax in ((10, 150, 375), (30, 300, 875)):
        customer = world.customer()
        world.open_contract(customer, card)
        world.use(customer, metric, used, world.days_ago(1))
        world.use(customer, other, 1, world.days_ago(1))
        invoice = world.invoice(customer)
        sums: dict[str, Decimal] = {}
        for line in invoice.line_items:
            sums[line.name] = sums.get(line.name, Decimal(0)) + exact(line.total)
        assert sums == {"Base": used * 100, "Other": 1000, "Support": charge, "Tax": tax}
        assert {line.product_type for line in invoice.line_items if line.name == "Support"} == {
            "CompositeProductListItem"
        }
    with pytest.raises(BadRequestError, match="rate_type"):
        world.rate(card, support, price=1)
    with pytest.raises(BadRequestError, match="price: a percentage is a fraction"):
        world.rate(card, support, price=10, rate_type="PERCENTAGE")


def test_a_composite_over_all_contracts_of_the_customer(world: World) -> None:
    metric, _, card = world.priced(price=100)
    product = world.sdk.v1.contracts.products.create(
        name="Support", type="COMPOSITE", composite_tags=["core"], extra_body={"composite_scope": "CUSTOMER"}
    ).data.id
    base = world.product(metric, "Base", tags=["core"])
    support_card = world.card()
    for one in (card, support_card):
        world.rate(one, base, price=100)
    world.rate(support_card, product, price=0.1, rate_type="PERCENTAGE")
    customer = world.customer()
    world.open_contract(customer, card, days=10)
    contract = world.open_contract(customer, support_card, days=5)
    world.use(customer, metric, 10, world.days_ago(1))
    world.use(customer, metric, 10, world.days_ago(8))
    [invoice] = [row for row in world.invoices(customer) if row.contract_id == contract]
    [support] = [exact(line.total) for line in invoice.line_items if line.name == "Support"]
    assert support == 200


def test_a_product_that_changes_in_mid_period(world: World) -> None:
    metric = world.metric(groups=[["region"]])
    card = world.card()
    product = world.product(metric, "Old", tags=["a"])
    world.rate(card, product, tiers=[{"size": 10, "price": 100}, {"price": 50}])
    world.rate(card, world.product(world.metric(), "Other"), price=1)
    customer = world.customer()
    discount = {"type": "MULTIPLIER", "multiplier": 0.5, "applicable_product_tags": ["b"]}
    world.open_contract(customer, card, overrides=[discount | {"starting_at": world.days_ago(5)}])
    world.sdk.v1.contracts.products.update(product_id=product, starting_at=world.days_ago(2), name="New", tags=["b"])
    world.use(customer, metric, 8, world.days_ago(4), region="us")
    world.use(customer, metric, 4, world.days_ago(1), region="us")
    # The tiers go on, the name and the tags are those of the time.
    assert lines(world.invoice(customer)) == [("New", 2, 50, 100), ("New", 2, 25, 50), ("Old", 8, 100, 800)]
    world.sdk.v1.contracts.products.update(
        product_id=product, starting_at=world.days_ago(1), pricing_group_key=["region"]
    )
    world.rate(card, product, price=7, pricing_group_values={"region": "us"}, starting_at=world.days_ago(1))
    assert lines(world.invoice(customer)) == [("New", 4, Decimal("3.5"), 14), ("Old", 8, 100, 800)]


def test_what_a_contract_pays(world: World) -> None:
    metric = world.metric(groups=[["region"]])
    card = world.card()
    product = world.product(metric, "Tokens", tags=["core"], pricing_group_key=["region"])
    for region, price in (("us", 100), ("eu", 200), ("asia", 300)):
        world.rate(card, product, price=price, pricing_group_values={"region": region})
    customer = world.customer()
    on, until = world.days_ago(3), world.days_ago(-3)
    contract = world.open_contract(
        customer,
        card,
        overrides=[
            {
                "type": "MULTIPLIER",
                "multiplier": 0.5,
                "starting_at": on,
                "ending_before": until,
                "override_specifiers": [{"pricing_group_values": {"region": "us"}}],
            },
            {
                "entitled": False,
                "starting_at": on,
                "override_specifiers": [{"product_id": product, "pricing_group_values": {"region": "eu"}}],
            },
        ],
    )
    read = world.sdk.v1.contracts.retrieve_rate_schedule
    ids: Any = {"contract_id": contract, "customer_id": customer}
    us, eu, asia = read(**ids).data
    assert (us.entitled, us.list_rate.price, us.override_rate and us.override_rate.price) == (True, 100, 50)
    assert (us.starting_at, us.ending_before) == (on, until)
    assert (eu.entitled, eu.override_rate, asia.entitled, asia.override_rate) == (False, None, True, None)
    [before] = read(**ids, at=world.days_ago(4), selectors=[{"partial_pricing_group_values": {"region": "us"}}]).data
    assert (before.override_rate, before.ending_before, before.rate_card_id) == (None, on, card)
    first = read(**ids, limit=2)
    assert (len(first.data), bool(first.next_page)) == (2, True)
    rest = read(**ids, limit=2, next_page=first.next_page or "")
    assert ([row.product_id for row in rest.data], rest.next_page) == ([product], None)


def test_the_order_of_products(world: World) -> None:
    card = world.card()
    metric = world.metric()
    a, b, c = (world.product(metric, name) for name in "abc")
    for product in (a, b, c):
        world.rate(card, product, price=1)
    orders, rates = world.sdk.v1.contracts.rate_cards.product_orders, world.sdk.v1.contracts.rate_cards.rates

    def names() -> str:
        return "".join(row.product_name for row in rates.list(rate_card_id=card, at=world.now, limit=2))

    assert names() == "abc"
    orders.set(rate_card_id=card, product_order=[c, a])
    assert names() == "cab"
    orders.update(rate_card_id=card, product_moves=[{"product_id": b, "position": 0}, {"product_id": a, "position": 1}])
    assert names() == "bac"
    with pytest.raises(BadRequestError, match=r"product_order\.1"):
        orders.set(rate_card_id=card, product_order=[c, c])
    with pytest.raises(BadRequestError, match=r"product_moves\.0\.position"):
        orders.update(rate_card_id=card, product_moves=[{"product_id": b, "position": 3}])
    with pytest.raises(BadRequestError, match=r"product_moves\.0\.product_id"):
        orders.update(rate_card_id=card, product_moves=[{"product_id": USD, "position": 0}])


def test_a_group_key_added_later_holds_for_the_past(world: World, http: httpx.Client) -> None:
    """Usage from before the key was added is told apart by it, from events first and then from what was added up."""
    metric, customer = world.metric(), world.customer()
    world.use(customer, metric, 3, world.days_ago(3), region="us")
    world.use(customer, metric, 4, world.days_ago(2), region="eu")
    world.use(customer, metric, 5, world.days_ago(2))
    roll_usage(now=world.now)
    answer = http.put(f"/v1/billable-metrics/{metric.id}", json={"add_group_keys": [["region"]]})
    assert answer.status_code == 200, answer.text
    card = world.card()
    product = world.product(metric, pricing_group_key=["region"])
    world.rate(card, product, price=10, pricing_group_values={"region": "us"})
    world.rate(card, product, price=100, pricing_group_values={"region": "eu"})
    world.open_contract(customer, card)
    for _ in range(2):
        found = {line.pricing_group_values["region"]: exact(line.total) for line in world.invoice(customer).line_items}
        assert found == {"us": 30, "eu": 400}
        [unrated] = world.invoice(customer).model_extra["unrated"]
        assert (Decimal(unrated["quantity"]), unrated["reason"]) == (5, "no rate for these group values")
        roll_usage(now=world.now)
    assert RollupSeries.objects.get(keys=["region"]).is_ready
    groups = world.sdk.v1.usage.list_with_groups(
        customer_id=customer, billable_metric_id=metric.id, window_size="NONE", group_by={"key": "region"},
        starting_on=world.days_ago(4), ending_before=world.days_ago(1),
    )  # fmt: skip
    assert {row.group_value: exact(row.value) for row in groups} == {"us": 3, "eu": 4, None: 5}


def test_bad_input(world: World, http: httpx.Client) -> None:
    _, product, card = world.priced(price=1)
    customer = world.customer()
    contract = world.open_contract(customer, card)
    cards = "/v1/contract-pricing/rate-cards"
    ids = {"customer_id": customer, "contract_id": contract}
    override = {
        "type": "MULTIPLIER",
        "multiplier": 1,
        "starting_at": "2024-01-01T00:00:00Z",
        "ending_before": "2025-01-01T00:00:00Z",
        "entitled": True,
        "priority": 5,
        "override_specifiers": [{"product_id": product, "product_tags": ["a"]}],
        "is_commit_specific": True,
        "target": "LIST_RATE",
    }
    edit = {
        **{f"add_overrides.0.{name}": kind for name, kind in (
            ("type", "word"), ("multiplier", "amount"), ("starting_at", "hour"), ("ending_before", "hour"),
            ("entitled", "flag"), ("override_specifiers", "list"), ("override_specifiers.0.product_id", "id"),
            ("override_specifiers.0.product_tags", "list"), ("is_commit_specific", "flag"), ("target", "word"),
        )},
        "contract_id": "id", "customer_id": "id", "add_overrides": "list", "remove_overrides": "list",
        "uniqueness_key": "text",
    }  # fmt: skip
    endpoints = [
        Endpoint(
            "/v2/contracts/edit",
            ids | {"add_overrides": [override], "remove_overrides": [{"id": USD}], "uniqueness_key": "k"},
            edit,
            ("contract_id", "customer_id"),
        ),
        Endpoint("/v2/contracts/getEditHistory", ids, {"contract_id": "id", "customer_id": "id"}, tuple(ids)),
        Endpoint("/v1/contracts/getContractRateSchedule", ids, {"contract_id": "id", "customer_id": "id"}, tuple(ids)),
        Endpoint("/v1/credit-types/create", {"name": "x"}, {"name": "text"}, ("name",)),
        Endpoint("/v1/credit-types/archive", {"id": USD}, {"id": "id"}, ("id",)),
        Endpoint(
            f"{cards}/setRateCardProductsOrder",
            {"rate_card_id": card, "product_order": [product]},
            {"rate_card_id": "id", "product_order": "list", "product_order.0": "id"},
            ("rate_card_id", "product_order"),
        ),
        Endpoint(
            f"{cards}/moveRateCardProducts",
            {"rate_card_id": card, "product_moves": [{"product_id": product, "position": 0}]},
            {
                "rate_card_id": "id",
                "product_moves": "list",
                "product_moves.0.product_id": "id",
                "product_moves.0.position": "places",
            },
            ("rate_card_id", "product_moves"),
        ),
        Endpoint(
            f"{cards}/create",
            {"name": "x", "credit_type_conversions": [{"custom_credit_type_id": USD, "fiat_per_custom_credit": 1}]},
            {
                "credit_type_conversions": "list",
                "credit_type_conversions.0.custom_credit_type_id": "id",
                "credit_type_conversions.0.fiat_per_custom_credit": "amount",
            },
            ("name",),
        ),
    ]
    assert [fault for endpoint in endpoints for fault in faults(http, endpoint)] == []
