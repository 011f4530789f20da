"""What lines and subscriptions say of what they are about: custom fields, the balance that pays, the pricing unit."""

from datetime import timedelta

import pytest

from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar


def test_lines_name_the_custom_fields_of_what_they_charge(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card = w.card()
    seat = w.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION", custom_fields={"gl": "4711"}).data.id
    w.rate(card, seat, price=1000, billing_frequency="MONTHLY")
    customer = w.customer()
    credit = w.credit(
        300, w.days_ago(5), w.days_ago(-40), custom_fields={"why": "launch"}, netsuite_sales_order_id="n1"
    )
    contract = w.open_contract(
        customer, card, 5,
        subscriptions=[w.subscription(seat, initial_quantity=1, custom_fields={"team": "blue"})], credits=[credit],
    )  # fmt: skip
    subscribed = w.subscribed(customer, contract)
    assert (subscribed.custom_fields, subscribed.product_custom_fields) == ({"team": "blue"}, {"gl": "4711"})
    assert subscribed.custom_credit_type_id is None
    [balance] = w.held(customer)

    def check() -> None:
        lines = w.invoice(customer, w.days_ago(1)).line_items
        assert [exact(line.total) for line in lines] == [300, -300, 700]
        for line in lines:
            assert (line.subscription_custom_fields, line.product_custom_fields) == ({"team": "blue"}, {"gl": "4711"})
        for line in lines[:2]:
            paid = line.applied_commit_or_credit
            assert (paid.id, paid.type, paid.access_type) == (balance.id, "CREDIT", "SPEND")
            assert (line.commit_custom_fields, line.commit_netsuite_sales_order_id) == ({"why": "launch"}, "n1")
        assert (lines[2].applied_commit_or_credit, lines[2].commit_custom_fields) == (None, None)

    check()
    w.run_due_work(until=w.now + timedelta(days=40))
    check()


def test_a_true_up_names_its_commit(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    customer = w.customer()
    owed = w.postpaid(100, w.days_ago(5), w.days_ago(1), custom_fields={"deal": "7"})
    w.open_contract(customer, w.card(), 5, commits=[owed])
    [commit] = w.held(customer)
    [line] = [line for row in w.invoices(customer) if row.type == "SCHEDULED" for line in row.line_items]
    assert line.postpaid_commit is not None
    assert (line.postpaid_commit.id, line.commit_custom_fields) == (commit.id, {"deal": "7"})
    assert line.applied_commit_or_credit is None


def test_a_subscription_says_the_custom_unit_that_it_is_priced_in(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    unit = w.sdk.v1.pricing_units.create(name="Compute").data.id
    card = w.card(credit_type_conversions=[{"custom_credit_type_id": unit, "fiat_per_custom_credit": 4}])
    seat = w.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    w.rate(card, seat, price=10, billing_frequency="MONTHLY", credit_type_id=unit)
    customer = w.customer()
    contract = w.open_contract(customer, card, 5, subscriptions=[w.subscription(seat, initial_quantity=5)])
    subscribed = w.subscribed(customer, contract)
    assert subscribed.custom_credit_type_id == unit
    past = w.sdk.v1.contracts.retrieve_subscription_quantity_history(
        customer_id=customer, contract_id=contract, subscription_id=subscribed.id
    ).data
    assert (past.custom_credit_type_id, exact(past.history[0].data[0].unit_price)) == (unit, 10)
    made = w.edit(customer, contract, add_subscriptions=[w.subscription(seat, initial_quantity=1)]).edit
    assert made.add_subscriptions[0].custom_credit_type_id == unit
    assert exact(w.invoice(customer).total) >= 50 * 4
