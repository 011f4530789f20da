"""What a request asks for is done and shown again, field by field; what cannot be done is refused."""

import httpx
import pytest
from metronome import Metronome

from tests.scenarios.asked import posted, wire
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.tagged_shop import TaggedShop
from tests.scenarios.test_pricing_explained import explained, facts
from tests.scenarios.world import World, exact

pytestmark = pytest.mark.django_db


def test_contracts_show_what_is_left_where_asked(balances: BalanceWorld, http: httpx.Client, sdk: Metronome) -> None:
    w, shop = balances, TaggedShop(balances, http)
    more = {
        "credits": [w.credit(500, w.days_ago(5), w.days_ago(-30), name="gift")],
        "commits": [w.prepaid(1000, w.days_ago(5), w.days_ago(-30), name="bought", priority=200)],
    }
    ids = {"customer_id": shop.customer, "contract_id": shop.contract(**more)}
    held = {row.name: row for row in w.held(shop.customer)}
    assert {name: exact(row.balance) for name, row in held.items()} == {"gift": 0, "bought": 900}
    one = {"customer_id": shop.customer}
    both = {"include_balance": True, "include_ledgers": True}
    for answer in (
        sdk.v2.contracts.retrieve(**ids, **both).data,
        sdk.v1.contracts.retrieve(**ids, **both).data.current,
        sdk.v2.contracts.list(**one, **both).data[0],
        sdk.v1.contracts.list(**one, **both).data[0].current,
    ):
        for row in (*answer.commits, *(answer.credits or ())):
            assert exact(row.balance) == exact(held[str(row.name)].balance)
            assert [entry.to_dict() for entry in row.ledger or ()] == [
                entry.to_dict() for entry in held[str(row.name)].ledger
            ]
    for version in ("v1", "v2"):
        for asked in ({}, {"include_balance": False, "include_ledgers": None}):
            shown = posted(shop.http, f"/{version}/contracts/get", ids | asked)
            bought = shown.get("current", shown)["commits"][0]
            assert ("balance" in bought, bought.get("ledger")) == (False, None)
    only = posted(shop.http, "/v2/contracts/get", ids | {"include_ledgers": True})["commits"][0]
    assert "balance" not in only
    assert len(only["ledger"]) == 2
    posted(shop.http, "/v2/contracts/get", ids | {"include_balance": "yes"}, 400)


def test_seats_that_came_are_in_what_a_contract_shows_as_left(
    subscriptions: SubscriptionWorld, http: httpx.Client
) -> None:
    """Contracts say what the list of balances says, whichever is asked first."""
    w = subscriptions
    card = w.card()
    seat = w.priced_seat(card, 700, "WEEKLY")
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 20, "WEEKLY", subscriptions=[w.seats(seat, ["ann"], frequency="WEEKLY", temporary_id="s")],
        recurring_credits=[w.per_seat(10, w.days_ago(20), "INDIVIDUAL")],
    )  # fmt: skip
    body = {"customer_id": customer, "contract_id": contract, "include_balance": True}
    shown = sorted(exact(row["balance"]) for row in posted(http, "/v2/contracts/get", body)["credits"])
    assert shown == sorted(exact(row.balance) for row in w.held(customer))


@pytest.mark.parametrize("gate", ["STRIPE", "external"])
def test_a_gate_that_is_not_there_yet_says_so(balances: BalanceWorld, http: httpx.Client, gate: str) -> None:
    w = balances
    commit = w.prepaid(5, w.days_ago(5), w.days_ago(-5), payment_gate_config={"payment_gate_type": gate})
    body = wire({"customer_id": w.customer(), "starting_at": w.days_ago(5), "commits": [commit]})
    said = posted(http, "/v1/contracts/create", body, 400)["message"]
    assert said == "commits.0.payment_gate_config.payment_gate_type: is not supported by this version of Tactus"


def test_a_contract_keeps_what_other_systems_know_it_by(world: World, http: httpx.Client) -> None:
    known = {"netsuite_sales_order_id": "SO-1", "salesforce_opportunity_id": "006A", "total_contract_value": 120000.5}
    body = {"customer_id": world.customer(), "starting_at": "2026-01-01T00:00:00Z"}
    made = posted(http, "/v1/contracts/create", body | known)["id"]
    ids = {"customer_id": body["customer_id"], "contract_id": made}
    flat, nested = (posted(http, f"/{version}/contracts/get", ids) for version in ("v2", "v1"))
    for shown in (flat, nested["initial"], nested["current"]):
        assert {name: shown[name] for name in known} == known
    assert not known.keys() & posted(http, "/v2/contracts/get", ids | {
        "contract_id": posted(http, "/v1/contracts/create", body)["id"]
    }).keys()  # fmt: skip
    for wrong in ({"netsuite_sales_order_id": 5}, {"salesforce_opportunity_id": {}}, {"total_contract_value": "much"}):
        said = posted(http, "/v1/contracts/create", body | wrong, 400)["message"]
        assert next(iter(wrong)) in said


def test_a_key_that_prices_and_presents_is_shown_once(balances: BalanceWorld, http: httpx.Client) -> None:
    """As Metronome's tutorial has it; specifiers may name the value as either."""
    w = balances
    metric = w.metric(groups=[["image_type"], ["image_type", "region"]])
    both = w.product(metric, "Images", pricing_group_key=["image_type"], presentation_group_key=["image_type"])
    split = w.product(
        metric, "By region", pricing_group_key=["image_type"], presentation_group_key=["image_type", "region"]
    )
    read = w.sdk.v1.contracts.products.retrieve(id=both).data.current
    assert (read.pricing_group_key, read.presentation_group_key) == (["image_type"], ["image_type"])
    card = w.card()
    for product in (both, split):
        for kind, price in (("hd", 100), ("sd", 10)):
            w.rate(card, product, price=price, pricing_group_values={"image_type": kind})
    customer = w.customer()
    gift = w.credit(50, w.days_ago(5), w.days_ago(-30), specifiers=[
        {"product_id": both, "presentation_group_values": {"image_type": "sd"}}
    ])  # fmt: skip
    half = {
        "type": "MULTIPLIER", "multiplier": 0.5, "starting_at": w.days_ago(5),
        "override_specifiers": [{"product_id": split, "presentation_group_values": {"image_type": "hd"}}],
    }  # fmt: skip
    w.open_contract(customer, card, credits=[gift], overrides=[half])
    w.use(customer, metric, 2, w.days_ago(1), image_type="hd", region="eu")
    w.use(customer, metric, 3, w.days_ago(1), image_type="hd", region="us")
    w.use(customer, metric, 4, w.days_ago(1), image_type="sd", region="eu")
    found = {
        (line.name, line.pricing_group_values["image_type"], (line.presentation_group_values or {}).get("region")): (
            exact(line.quantity or 0), exact(line.total)
        )
        for line in w.invoice(customer).line_items
        if line.pricing_group_values and line.total and line.total > 0
    }  # fmt: skip
    assert found == {
        ("Images", "hd", None): (5, 500),
        ("Images", "sd", None): (4, 40),
        ("By region", "hd", "eu"): (2, 100),
        ("By region", "hd", "us"): (3, 150),
        ("By region", "sd", "eu"): (4, 40),
    }
    assert all("image_type" not in (line.presentation_group_values or {}) for line in w.invoice(customer).line_items)
    assert exact(w.invoice(customer).total) == 790
    w.run_due_work(until=w.days_ago(-40))
    assert exact(w.invoice(customer).total) == 790


def test_what_is_left_in_a_unit_may_cost_nothing(world: World, http: httpx.Client) -> None:
    unit = world.sdk.v1.pricing_units.create(name="Free credits").data.id
    card = world.card(credit_type_conversions=[{"custom_credit_type_id": unit, "fiat_per_custom_credit": 0}])
    [shown] = world.sdk.v1.contracts.rate_cards.retrieve(id=card).data.credit_type_conversions or []
    assert shown.fiat_per_custom_credit == "0"
    metric = world.metric()
    world.rate(card, world.product(metric), price=5, credit_type_id=unit)
    customer = world.customer()
    world.open_contract(customer, card)
    world.use(customer, metric, 3, world.days_ago(1))
    for _ in range(2):
        invoice = world.invoice(customer)
        [converted] = [line for line in invoice.line_items if line.type == "cpu_conversion"]
        assert (exact(converted.quantity or 0), converted.unit_price, converted.total) == (15, 0, 0)
        assert exact(invoice.total) == 0
        world.run_due_work(until=world.days_ago(-40))
    [why] = [why for name, why in explained(world, customer).items() if "Free credits" in name]
    assert facts(why)["Units"].startswith("15 Free credits left to pay")
    assert "0.00 USD" in facts(why)["Price"]
    body = {"name": "x", "credit_type_conversions": [{"custom_credit_type_id": unit, "fiat_per_custom_credit": -1}]}
    posted(http, "/v1/contract-pricing/rate-cards/create", body, 400)


def test_lists_give_the_most_there_is_where_more_is_asked(world: World, http: httpx.Client) -> None:
    body = {"customer_id": world.customer()}
    for _ in range(21):
        world.contract(body["customer_id"], None, world.days_ago(2))
    for limit in (21, 10**12):
        assert len(posted(http, "/v2/contracts/list", body | {"limit": limit})) == 20
    for path in ("/v1/contracts/customerBalances/list", "/v1/contracts/list", "/v1/contracts/listNamedSchedules"):
        posted(http, path, body | {"limit": 1000})
        for wrong in (0, -1, 1.5, "20", True, [1], {"a": 1}):
            assert "limit" in posted(http, path, body | {"limit": wrong}, 400)["message"]
