"""Subscriptions through the API and the clock jobs alone: what they charge, when, and on which invoice."""

from datetime import timedelta
from typing import Any

import pytest
from metronome import BadRequestError

from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact


def lines(row: Any) -> list[tuple[Any, ...]]:
    return [(line.type, line.quantity and exact(line.quantity), exact(line.total)) for line in row.line_items]


def test_in_arrears_stands_on_the_usage_invoice_of_its_period(subscriptions: SubscriptionWorld) -> None:
    """A plan at 49.00 and 5,000 calls at 0.01 on one invoice, from the draft on, alike when it is final."""
    w = subscriptions
    metric, _, card = w.priced(price=1)
    plan = w.priced_seat(card, 4900)
    customer = w.customer()
    contract = w.open_contract(customer, card, 5, subscriptions=[w.subscription(plan, initial_quantity=1)])
    w.use(customer, metric, 5000, w.days_ago(2))
    draft = w.invoice(customer)
    assert lines(draft) == [("usage", 5000, 5000), ("subscription", 1, 4900)]
    line = draft.line_items[1]
    assert (line.product_type, line.subscription_id) == (
        "SubscriptionProductListItem", w.subscribed(customer, contract).id,
    )  # fmt: skip
    assert (line.starting_at, line.ending_before) == (draft.start_timestamp, draft.end_timestamp)
    w.run_due_work(until=w.now + timedelta(days=35))
    final = w.invoice(customer)
    assert (final.status, exact(final.total)) == ("FINALIZED", 9900)
    assert [one.to_dict() for one in final.line_items] == [one.to_dict() for one in draft.line_items]


def test_in_advance_first_on_its_own_then_on_the_invoice_that_ends_there(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(700, "WEEKLY")
    customer = w.customer()
    w.open_contract(
        customer, card, 10, "WEEKLY", subscriptions=[w.subscription(seat, "WEEKLY", "ADVANCE", initial_quantity=2)]
    )
    w.run_due_work()
    found = {(row.type, row.status): row for row in w.invoices(customer)}
    own = found["SCHEDULED", "FINALIZED"]
    assert (exact(own.total), own.issued_at, own.start_timestamp) == (1400, w.days_ago(10), None)
    assert lines(own) == [("subscription", 2, 1400)]
    first = found["USAGE", "FINALIZED"]  # it ended where the second week begins
    assert [(line.starting_at, line.ending_before) for line in first.line_items] == [(w.days_ago(3), w.days_ago(-4))]
    assert exact(first.total) == 1400
    running = found["USAGE", "DRAFT"]  # the week to come
    assert [line.starting_at for line in running.line_items] == [w.days_ago(-4)]
    assert len(w.invoices(customer)) == 3
    w.run_due_work(until=w.now + timedelta(days=6))
    again = next(row for row in w.invoices(customer) if row.id == running.id)
    assert (again.status, [one.to_dict() for one in again.line_items]) == (
        "FINALIZED", [one.to_dict() for one in running.line_items],
    )  # fmt: skip


def test_on_scheduled_invoices_of_its_own_one_period_ahead(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(700, "WEEKLY")
    customer = w.customer()
    own = {"invoice_placement": "ON_SCHEDULED_INVOICE"}
    w.open_contract(
        customer, card, 10, "MONTHLY",
        subscriptions=[w.subscription(seat, "WEEKLY", "ADVANCE", initial_quantity=1, billing_cycle_config=own)],
    )  # fmt: skip
    w.run_due_work()
    assert w.bills(customer) == [
        ("SCHEDULED", "FINALIZED", 700), ("SCHEDULED", "FINALIZED", 700), ("SCHEDULED", "DRAFT", 700),
        ("USAGE", "DRAFT", 0),
    ]  # fmt: skip
    w.run_due_work(until=w.now + timedelta(days=8))
    issued = sorted(row.issued_at for row in w.invoices(customer, status="FINALIZED"))
    assert issued == [w.days_ago(10), w.days_ago(3), w.days_ago(-4)]
    assert [row.type for row in w.invoices(customer, status="DRAFT")].count("SCHEDULED") == 1


def test_an_increase_is_prorated_and_billed_with_the_period_or_at_once(subscriptions: SubscriptionWorld) -> None:
    """638.61 a week; the second seat on the last of seven days costs a seventh."""
    w = subscriptions
    card, seat = w.seat(63861, "WEEKLY")
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 6, "WEEKLY", subscriptions=[w.subscription(seat, "WEEKLY", initial_quantity=1)]
    )
    w.change(customer, contract, quantity_updates=[{"starting_at": w.today, "quantity": 2}])
    assert lines(w.invoice(customer)) == [("subscription", 1, 63861), ("subscription", 1, 9123)]
    other = w.customer()
    at_once = w.subscription(seat, "WEEKLY", "ADVANCE", initial_quantity=1)
    at_once["proration"]["invoice_behavior"] = "BILL_IMMEDIATELY"
    contract = w.open_contract(other, card, 6, "WEEKLY", subscriptions=[at_once])
    w.run_due_work()
    assert w.bills(other) == [("SCHEDULED", "FINALIZED", 63861), ("USAGE", "DRAFT", 63861)]
    w.change(other, contract, quantity_updates=[{"starting_at": w.today, "quantity_delta": 1}])
    w.run_due_work()
    assert w.bills(other) == [
        ("SCHEDULED", "FINALIZED", 63861), ("SCHEDULED", "FINALIZED", 9123), ("USAGE", "DRAFT", 127722),
    ]  # fmt: skip
    with pytest.raises(BadRequestError, match=r"update_subscriptions.0: a finalized invoice charges"):
        w.change(other, contract, quantity_updates=[{"starting_at": w.today, "quantity_delta": -1}])
    w.change(other, contract, quantity_updates=[{"starting_at": w.now, "quantity_delta": -1}])
    w.run_due_work()
    # nothing is refunded; the week to come is for one
    assert w.bills(other)[1:] == [("SCHEDULED", "FINALIZED", 9123), ("USAGE", "DRAFT", 63861)]
