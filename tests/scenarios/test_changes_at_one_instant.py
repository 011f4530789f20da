"""Seats and quantities that are billed immediately, changed more than once in the same hour: as clients do that send
the hour's beginning. What a final invoice says stays; more is a charge of its own.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.models import BilledSubscription, BillingPeriod
from tests.plugins.clock import travel
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

AT = datetime.fromisoformat("2026-11-30T14:05:00+00:00")
pytestmark = pytest.mark.instant(AT)
HOUR, MINUTES = timedelta(hours=1), timedelta(minutes=4)
MONTHLY = {"frequency": "MONTHLY", "day": "FIRST_OF_MONTH"}
SEPARATE = {"invoice_placement": "ON_SCHEDULED_INVOICE"}


def at_once(w: SubscriptionWorld, seat: str, seats: list[str]) -> Any:
    made = w.seats(seat, seats, collection="ADVANCE", billing_cycle_config=SEPARATE)
    made["proration"]["invoice_behavior"] = "BILL_IMMEDIATELY"
    return made


def own(w: SubscriptionWorld, customer: str) -> list[tuple[str, Any]]:
    """(status, total) of the invoices of their own that were issued, in the order of their numbers."""
    rows = [row for row in w.invoices(customer) if row.type == "SCHEDULED" and row.status != "DRAFT"]
    return [(row.status, exact(row.total)) for row in sorted(rows, key=lambda row: row.number or "~")]


def seat_update(w: SubscriptionWorld, customer: str, contract: str, at: datetime, **seats: list[str]) -> None:
    """The request that clients send: times are the beginning of the hour."""
    updates = {name: [{"seat_ids": ids, "starting_at": at.isoformat()}] for name, ids in seats.items()}
    w.change(customer, contract, seat_updates=updates)
    w.run_due_work()


def test_seats_added_and_removed_within_the_hour_are_billed_at_once(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    first, hour = w.today.replace(day=1), AT.replace(minute=0)
    card, seat = w.seat(7200)
    customer = w.customer()
    contract = w.contract(
        customer, card, first, usage_statement_schedule=MONTHLY, subscriptions=[at_once(w, seat, ["u0"])]
    )
    w.run_due_work()
    expected = [("FINALIZED", 7200)]
    assert own(w, customer) == expected
    steps: list[tuple[datetime, dict[str, list[str]], Any]] = [
        (hour, {"add_seat_ids": ["u1"]}, 100),  # ten of 720 hours
        (hour, {"add_seat_ids": ["u2"]}, 100),
        (hour, {"add_seat_ids": ["u3", "u4"]}, 200),
        (hour, {"remove_seat_ids": ["u4"]}, None),  # nothing is refunded,
        (hour, {"add_seat_ids": ["u5"]}, None),  # and what is paid for is not paid for twice
        (hour - HOUR, {"add_seat_ids": ["u6"]}, 110),
        (hour + HOUR, {"add_seat_ids": ["u7"]}, None),
    ]
    for minutes, (at, seats, billed) in enumerate(steps, 1):
        with travel(AT + minutes * MINUTES):
            seat_update(w, customer, contract, at, **seats)
            expected += [("FINALIZED", billed)] if billed else []
            assert own(w, customer) == expected, seats
    assert len(w.invoices(customer, status="FINALIZED")) == len(expected)
    numbered = BilledSubscription.objects.filter(starting_at=hour).order_by("id")
    assert [(row.ordinal, row.quantity) for row in numbered] == [(1, 1), (2, 1), (3, 2)]


def test_in_a_contract_that_began_this_hour(subscriptions: SubscriptionWorld) -> None:
    """Base and increase at one instant; the month from the contract's start is theirs in full."""
    w = subscriptions
    hour = AT.replace(minute=0)
    card, seat = w.seat(7200)
    customer = w.customer()
    schedule = {"frequency": "MONTHLY", "day": "CONTRACT_START"}
    contract = w.contract(
        customer, card, hour, usage_statement_schedule=schedule, subscriptions=[at_once(w, seat, ["u0"])]
    )
    w.run_due_work()
    seat_update(w, customer, contract, hour, add_seat_ids=["u1"])
    seat_update(w, customer, contract, hour, add_seat_ids=["u2", "u3"], remove_seat_ids=["u0"])
    seat_update(w, customer, contract, hour, remove_seat_ids=["u1"])
    assert own(w, customer) == [("FINALIZED", 7200), ("FINALIZED", 7200), ("FINALIZED", 7200)]
    [subscription] = [w.subscribed(customer, contract)]
    assert [exact(one.quantity) for one in subscription.quantity_schedule] == [2]


def test_what_is_not_final_yet_follows(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    first, hour = w.today.replace(day=1), AT.replace(minute=0)
    card, seat = w.seat(7200)
    customer = w.customer()
    contract = w.contract(
        customer, card, first, usage_statement_schedule=MONTHLY, subscriptions=[at_once(w, seat, ["u0"])]
    )
    w.run_due_work()
    for seats in ({"add_seat_ids": ["u1", "u2"]}, {"remove_seat_ids": ["u2"]}):
        updates = {name: [{"seat_ids": ids, "starting_at": hour}] for name, ids in seats.items()}
        w.change(customer, contract, seat_updates=updates)
    w.run_due_work()
    assert own(w, customer) == [("FINALIZED", 7200), ("FINALIZED", 100)]


def test_void_and_made_anew_it_asks_for_what_it_asked_for(subscriptions: SubscriptionWorld) -> None:
    """Of three invoices for one instant the first is void: its charge waits for it, the others stay."""
    w = subscriptions
    hour = AT.replace(minute=0)
    card, seat = w.seat(7200)
    customer = w.customer()
    schedule = {"frequency": "MONTHLY", "day": "CONTRACT_START"}
    contract = w.contract(
        customer, card, hour, usage_statement_schedule=schedule, subscriptions=[at_once(w, seat, ["u0", "u1"])]
    )
    w.run_due_work()
    seat_update(w, customer, contract, hour, add_seat_ids=["u2"])
    first = next(row for row in w.invoices(customer) if exact(row.total) == 14400)
    w.sdk.v1.invoices.void(id=first.id)
    seat_update(w, customer, contract, hour, add_seat_ids=["u3"])
    assert own(w, customer) == [("VOID", 14400), ("FINALIZED", 7200), ("FINALIZED", 7200)]
    w.sdk.v1.invoices.regenerate(id=first.id)
    w.run_due_work()
    assert own(w, customer)[1:] == [("FINALIZED", 7200), ("FINALIZED", 7200), ("FINALIZED", 14400)]


def test_the_database_numbers_what_is_charged_of_one_time(subscriptions: SubscriptionWorld) -> None:
    """The next number and no other; and only where increases are billed immediately."""
    w = subscriptions
    hour = AT.replace(minute=0)
    card, seat = w.seat(7200)
    customer = w.customer()
    waits = w.seats(seat, ["a"], collection="ADVANCE", billing_cycle_config=SEPARATE)
    for made in (at_once(w, seat, ["u0"]), waits):
        w.contract(customer, card, hour, usage_statement_schedule=MONTHLY, subscriptions=[made])
    w.run_due_work()
    period = BillingPeriod.objects.filter(state="OPEN").first()
    for row in BilledSubscription.objects.all():
        immediate = row.subscription.invoice_behavior == "BILL_IMMEDIATELY"
        again = {"period": period, "subscription": row.subscription, "quantity": 1, "starting_at": row.starting_at}
        again["ending_before"] = row.ending_before
        for ordinal, reason in ((1, "subscription_charged_once"), (3, "charged again"), (0, "counts_from_one")):
            with pytest.raises(IntegrityError, match=reason), transaction.atomic():
                BilledSubscription.objects.create(**again, ordinal=ordinal)
        if immediate:
            BilledSubscription.objects.create(**again, ordinal=2)
        else:
            with pytest.raises(IntegrityError, match="charged again"), transaction.atomic():
                BilledSubscription.objects.create(**again, ordinal=2)
