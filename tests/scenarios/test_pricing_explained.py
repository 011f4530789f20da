"""What the console says about lines of every kind of price, and of overrides that won and lost."""

from uuid import UUID

import httpx
import pytest

from core.clock import now
from invoices.selectors import get_invoice
from presentation.explanation import Why, why
from tests.scenarios.test_pricing_rates import own
from tests.scenarios.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.calendar]


def explained(world: World, customer: str) -> dict[str, Why]:
    """The explanation of each line by its name; of several, the last."""
    invoice = world.invoice(customer)
    view = get_invoice(customer_id=UUID(customer), invoice_id=UUID(invoice.id), now=now())
    return {line.name: why(line, view.currency) for line in view.lines}


def facts(found: Why) -> dict[str, str]:
    return {fact.term: fact.text for fact in found.facts}


def test_every_kind_of_line_is_told(world: World, http: httpx.Client) -> None:
    unit = world.sdk.v1.pricing_units.create(name="Explained credits").data.id
    card = world.card(credit_type_conversions=[{"custom_credit_type_id": unit, "fiat_per_custom_credit": 2}])
    metric = world.metric()
    volume, package = world.product(metric, "Volume"), world.product(metric, "Package")
    assert own(http, card, volume, rate_type="VOLUME", tiers=[{"size": 10, "price": 100}, {"price": 50}]).is_success
    assert own(http, card, package, rate_type="PACKAGE", price=300, package_size=5).is_success
    world.rate(card, world.product(metric, "In credits"), price=10, credit_type_id=unit)
    fee = world.sdk.v1.contracts.products.create(name="Fee", type="COMPOSITE", composite_product_ids=[package]).data.id
    world.rate(card, fee, price=0.1, rate_type="PERCENTAGE")
    customer = world.customer()
    world.open_contract(customer, card)
    world.use(customer, metric, 12, world.days_ago(1))
    found = explained(world, customer)

    assert "by the tier that the whole period reaches" in facts(found["Volume"])["Price"]
    assert [(row.quantity, row.is_this) for row in found["Volume"].tiers] == [("", False), ("12", True)]
    assert "for each block of 5 begun" in facts(found["Package"])["Price"]
    assert found["Package"].sum.startswith("3 ")
    assert facts(found["Fee"])["Price"].startswith("10 % of it")
    assert "Package" in facts(found["Fee"])["Spend"]
    assert "9.00 USD" in facts(found["Fee"])["Spend"]
    assert found["Fee"].sum.endswith("= 0.90 USD")
    [conversion] = [entry for name, entry in found.items() if "Explained credits" in name]
    assert facts(conversion)["Units"].startswith("120 Explained credits left to pay")
    assert "Override" not in facts(conversion)


def test_the_override_that_won_and_those_that_lost(world: World) -> None:
    metric, product, card = world.priced(price=100)
    customer = world.customer()
    better, worse = ({"type": "MULTIPLIER", "multiplier": part, "product_id": product} for part in (0.5, 0.8))
    overrides = [{**one, "starting_at": world.days_ago(5)} for one in (better, worse)]
    world.open_contract(customer, card, overrides=overrides)
    world.use(customer, metric, 2, world.days_ago(1))
    told = facts(explained(world, customer)["Tokens"])
    assert "0.5" in told["Override"]
    assert "0.8" in told["Not applied"]
