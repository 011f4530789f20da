"""Subscriptions through the API and the clock jobs alone: what they charge, when, and on which invoice."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from metronome import BadRequestError

from billing.models import BilledSubscription, BillingPeriod
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar


def lines(row: Any) -> list[tuple[Any, ...]]:
    return [(line.type, line.quantity and exact(line.quantity), exact(line.total)) for line in row.line_items]


def scheduled(w: SubscriptionWorld, customer: str) -> list[Any]:
    return [row for row in w.invoices(customer) if row.type == "SCHEDULED"]


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
    w.change(other, contract, quantity_updates=[{"starting_at": w.today, "quantity_delta": -1}])
    w.run_due_work()
    # nothing is refunded; the week to come is for one
    assert w.bills(other)[1:] == [("SCHEDULED", "FINALIZED", 9123), ("USAGE", "DRAFT", 63861)]


def test_draft_preview_breakdown_and_the_final_invoice_agree(subscriptions: SubscriptionWorld) -> None:
    """A quarter in arrears, a week in advance and a month, on one invoice; days sum to the whole."""
    w = subscriptions
    metric, _, card = w.priced(price=3)
    kinds = [("MONTHLY", "ADVANCE", 700), ("WEEKLY", "ARREARS", 70), ("MONTHLY", "ARREARS", 1000)]
    made = [
        w.subscription(
            w.priced_seat(card, price, frequency, f"{frequency} {when}"), frequency, when, initial_quantity=2
        )
        for frequency, when, price in kinds
    ]
    customer = w.customer()
    w.open_contract(customer, card, 20, "WEEKLY", subscriptions=made)
    w.use(customer, metric, 5, w.days_ago(2))
    over = [row for row in w.invoices(customer) if row.type == "USAGE" and row.end_timestamp <= w.now]
    assert [exact(row.total) for row in over if row.end_timestamp == w.days_ago(6)] == [140]
    for draft in over:
        times = {"starting_on": draft.start_timestamp, "ending_before": draft.end_timestamp}
        parts = w.sdk.v1.customers.invoices.list_breakdowns(customer_id=customer, window_size="DAY", **times)
        assert sum(exact(part.total) for part in parts if part.id == draft.id) == exact(draft.total)
    running = w.invoice(customer)
    [preview] = w.sdk.v1.customers.preview_events(
        customer_id=customer,
        mode="merge",
        events=[{"event_type": metric.event_type, "properties": {"units": "1"}, "timestamp": w.now.isoformat()}],
    ).data
    assert exact(preview.total) == exact(running.total) + 3
    assert lines(preview)[1:] == lines(running)[1:]
    w.run_due_work(until=w.now + timedelta(days=9))
    final = next(row for row in w.invoices(customer) if row.id == running.id)
    assert (final.status, lines(final), exact(final.total)) == ("FINALIZED", lines(running), exact(running.total))


def test_balances_pay_usage_first_and_then_subscriptions(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    metric, _, card = w.priced(price=1)
    seat = w.priced_seat(card, 700, "WEEKLY")
    customer = w.customer()
    w.open_contract(
        customer, card, 2, "WEEKLY",
        subscriptions=[w.subscription(seat, "WEEKLY", initial_quantity=1)],
        credits=[w.credit(500, w.days_ago(2), w.days_ago(-30))],
    )  # fmt: skip
    w.use(customer, metric, 100, w.days_ago(1))
    row = w.invoice(customer)
    paid = [
        (line.product_type, exact(line.total)) for line in row.line_items if line.type == "applied_commit_or_credit"
    ]
    assert paid == [("UsageProductListItem", -100), ("SubscriptionProductListItem", -400)]
    assert (exact(row.total), w.net(customer)) == (300, 0)


def test_an_invoice_of_its_own_is_paid_too_and_gives_back_when_it_is_void(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(700, "WEEKLY")
    customer = w.customer()
    w.open_contract(
        customer, card, 2, "WEEKLY",
        subscriptions=[w.subscription(seat, "WEEKLY", "ADVANCE", initial_quantity=1)],
        credits=[w.credit(500, w.days_ago(2), w.days_ago(-4))],
    )  # fmt: skip
    assert w.net(customer) == 0  # as a draft already
    w.run_due_work()
    [own] = scheduled(w, customer)
    assert [(line.type, exact(line.total)) for line in own.line_items] == [
        ("subscription", 500), ("applied_commit_or_credit", -500), ("subscription", 200),
    ]  # fmt: skip
    assert (own.status, exact(own.total)) == ("FINALIZED", 200)
    assert w.ledger(customer) == [("CREDIT_SEGMENT_START", 500), ("CREDIT_AUTOMATED_INVOICE_DEDUCTION", -500)]
    w.sdk.v1.invoices.void(id=own.id)
    w.run_due_work()
    assert w.net(customer) == 500
    assert [row.status for row in scheduled(w, customer)] == ["VOID"]  # waits to be made anew
    w.sdk.v1.invoices.regenerate(id=own.id)
    w.run_due_work()
    again = next(row for row in scheduled(w, customer) if row.id != own.id)
    assert (again.status, exact(again.total), w.net(customer)) == ("FINALIZED", 200, 0)
    assert len(scheduled(w, customer)) == 2


def test_an_override_names_product_and_frequency_and_counts_for_whole_periods(subscriptions: SubscriptionWorld) -> None:
    """A trial: the first week for nothing."""
    w = subscriptions
    card, seat = w.seat(700, "WEEKLY")
    customer = w.customer()
    trial = {
        "type": "OVERWRITE",
        "starting_at": w.days_ago(10),
        "ending_before": w.days_ago(5),
        "override_specifiers": [{"product_id": seat, "billing_frequency": "WEEKLY"}],
        "overwrite_rate": {"rate_type": "FLAT", "price": 0},
    }
    w.open_contract(
        customer, card, 10, "WEEKLY", overrides=[trial],
        subscriptions=[w.subscription(seat, "WEEKLY", "ADVANCE", initial_quantity=1)],
    )  # fmt: skip
    w.run_due_work()
    assert [bill for bill in w.bills(customer) if bill[1] == "FINALIZED"] == [
        ("SCHEDULED", "FINALIZED", 0), ("USAGE", "FINALIZED", 700),
    ]  # fmt: skip


def test_what_is_closed_stays_and_what_is_open_follows(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(700, "WEEKLY")
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 10, "WEEKLY", subscriptions=[w.subscription(seat, "WEEKLY", initial_quantity=2)]
    )
    w.run_due_work()
    closed = w.invoice(customer, w.days_ago(5))
    assert (closed.status, exact(closed.total)) == ("FINALIZED", 1400)
    for when, update in [
        (w.days_ago(5), {"quantity_updates": [{"starting_at": w.days_ago(5), "quantity": 3}]}),
        (w.days_ago(10), {"quantity_updates": [{"starting_at": w.days_ago(10), "quantity": 1}]}),
        (w.days_ago(6), {"ending_before": w.days_ago(6)}),
    ]:
        with pytest.raises(BadRequestError, match=r"update_subscriptions.0: a finalized invoice"):
            w.change(customer, contract, **update)
        assert exact(w.invoice(customer, when).total) == 1400
    w.change(customer, contract, quantity_updates=[{"starting_at": w.days_ago(3), "quantity": 5}])
    assert exact(w.invoice(customer).total) == 3500
    w.sdk.v1.invoices.void(id=closed.id)
    with pytest.raises(BadRequestError, match="a finalized invoice"):
        w.change(customer, contract, quantity_updates=[{"starting_at": w.days_ago(10), "quantity": 1}])
    again = w.sdk.v1.invoices.regenerate(id=closed.id).data
    assert again is not None
    assert [exact(row.total) for row in w.invoices(customer) if row.id == again.id] == [1400]
    w.change(customer, contract, ending_before=w.days_ago(-2), name="Team")
    [line] = w.invoice(customer).line_items
    assert (line.name, exact(line.total), line.ending_before) == ("Team", 5 * 500, w.days_ago(-2))


def test_a_contract_that_ends_earlier_or_later(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(700, "WEEKLY")
    customer = w.customer()
    for collection, total in [("ADVANCE", 0), ("ARREARS", 700)]:
        contract = w.open_contract(
            customer, card, 5, "WEEKLY", ending_before=w.days_ago(-2),
            subscriptions=[w.subscription(seat, "WEEKLY", collection, initial_quantity=1)],
        )  # fmt: skip
        w.run_due_work()
        w.sdk.v1.contracts.update_end_date(customer_id=customer, contract_id=contract, ending_before=w.days_ago(-20))
        end = w.subscribed(customer, contract).ending_before
        # what was paid in advance to the old end stays ended there
        assert end == w.days_ago(-2 if collection == "ADVANCE" else -20)
        [row] = [row for row in w.invoices(customer) if row.type == "USAGE" and row.contract_id == contract]
        assert exact(row.total) == total


def test_seats_priced_in_a_unit_of_our_own_are_converted(subscriptions: SubscriptionWorld) -> None:
    """Two seats at 30 coins a week, a coin at 12.5 cents, on an invoice of its own and on the usage invoice."""
    w = subscriptions
    coins = w.sdk.v1.pricing_units.create(name="Coins").data.id
    card = w.card(credit_type_conversions=[{"custom_credit_type_id": coins, "fiat_per_custom_credit": 12.5}])
    seat = w.sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
    w.rate(card, seat, price=30, billing_frequency="WEEKLY", credit_type_id=coins)
    customer = w.customer()
    w.open_contract(
        customer, card, 8, "WEEKLY",
        subscriptions=[w.subscription(seat, "WEEKLY", "ADVANCE", initial_quantity=2)],
    )  # fmt: skip
    w.run_due_work()
    expected = [("subscription", 60), ("cpu_conversion", 750)]
    for row in w.invoices(customer):
        if row.start_timestamp is None or row.status == "FINALIZED":
            assert [(line.type, exact(line.total)) for line in row.line_items] == expected
            assert (row.status, exact(row.total)) == ("FINALIZED", 750)
    assert len(w.invoices(customer)) == 3


def test_reading_invoices_takes_as_many_queries_for_ten_as_for_two(
    http: httpx.Client, subscriptions: SubscriptionWorld
) -> None:
    w = subscriptions
    card, seat = w.seat(700, "WEEKLY")
    counts = []
    for number in (2, 10):
        customer = w.customer()
        many = [w.subscription(seat, "WEEKLY", initial_quantity=1) for _ in range(number)]
        w.open_contract(customer, card, 3, "WEEKLY", subscriptions=many)
        with CaptureQueriesContext(connection) as captured:
            [row] = http.get(f"/v1/customers/{customer}/invoices").json()["data"]
        assert len(row["line_items"]) == number
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_one_that_is_added_late_is_billed_for_what_is_over(subscriptions: SubscriptionWorld) -> None:
    """The invoices that would have taken its charges are final: they get invoices of their own, once."""
    w = subscriptions
    card, seat = w.seat(700, "WEEKLY")
    for collection, issued in [("ARREARS", [w.days_ago(3)]), ("ADVANCE", [w.days_ago(10), w.days_ago(3)])]:
        customer = w.customer()
        contract = w.open_contract(customer, card, 10, "WEEKLY")
        w.run_due_work()
        w.edit(customer, contract, add_subscriptions=[w.subscription(seat, "WEEKLY", collection, initial_quantity=1)])
        w.change(customer, contract, quantity_updates=[{"starting_at": w.now, "quantity": 2}])
        w.run_due_work()
        w.run_due_work(until=w.now + timedelta(days=1))
        own = scheduled(w, customer)
        assert sorted(row.issued_at for row in own) == issued
        assert {(row.status, exact(row.total)) for row in own} == {("FINALIZED", 700)}
        running = w.invoice(customer)
        # this week's base and its increase in arrears; in advance the increase, and the week to come for two
        assert sorted(line.quantity for line in running.line_items) == ([1, 1] if collection == "ARREARS" else [1, 2])


def test_a_line_says_how_it_came_about_and_the_file_has_it(
    http: httpx.Client, subscriptions: SubscriptionWorld
) -> None:
    w = subscriptions
    card, seat = w.seat(63861, "WEEKLY")
    customer = w.customer()
    at_once = w.subscription(seat, "WEEKLY", "ADVANCE", initial_quantity=1)
    at_once["proration"]["invoice_behavior"] = "BILL_IMMEDIATELY"
    contract = w.open_contract(customer, card, 6, "WEEKLY", subscriptions=[at_once])
    w.change(customer, contract, quantity_updates=[{"starting_at": w.today, "quantity": 2}])
    w.run_due_work()
    row = next(row for row in scheduled(w, customer) if exact(row.total) == 9123)
    url = f"/v1/customers/{customer}/invoices/{row.id}"
    [line] = http.get(url).json()["data"]["line_items"]
    told = http.get(f"/tactus{url}/lines/{line['id']}/explanation").json()["data"]
    assert (told["kind"], told["proration"]) == ("subscription", {"hours": 24, "of": 168})
    assert told["steps"][:2] == ["1 units of the subscription", "the price is that of 1 of 7 days of the period"]
    assert told["steps"][3] == "1 x 9123 = 9123"
    file = http.get(f"{url}/pdf")
    assert (file.status_code, file.content[:5]) == (200, b"%PDF-")


def test_no_two_final_invoices_charge_for_the_same_time(subscriptions: SubscriptionWorld) -> None:
    """Whatever the program does, the database refuses."""
    w = subscriptions
    card, seat = w.seat(700, "WEEKLY")
    customer = w.customer()
    w.open_contract(
        customer, card, 2, "WEEKLY", subscriptions=[w.subscription(seat, "WEEKLY", "ADVANCE", initial_quantity=1)]
    )
    w.run_due_work()
    billed = BilledSubscription.objects.get()
    draft = BillingPeriod.objects.get(state="OPEN")
    again = {"period": draft, "subscription": billed.subscription, "quantity": 1}
    with pytest.raises(IntegrityError, match="subscription_charged_once"), transaction.atomic():
        BilledSubscription.objects.create(
            **again, starting_at=billed.starting_at, ending_before=billed.ending_before + timedelta(days=1)
        )
    BilledSubscription.objects.create(
        **again, starting_at=billed.ending_before, ending_before=billed.ending_before + timedelta(days=1)
    )
