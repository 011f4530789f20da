"""What is billed for a part of a period is billed by the hour, and the parts cost what the whole does."""

from datetime import datetime, timedelta

import pytest

from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.instant(datetime.fromisoformat("2026-11-30T15:20:00+00:00"))
MONTHLY = {"frequency": "MONTHLY", "day": "FIRST_OF_MONTH"}
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("collection", ["ARREARS", "ADVANCE"])
def test_a_contract_replaced_at_noon_costs_no_more_than_one(subscriptions: SubscriptionWorld, collection: str) -> None:
    w = subscriptions
    first, noon = w.today.replace(day=1), w.today.replace(day=16, hour=12)
    card, seat = w.seat(3000)
    other = w.priced_seat(card, 1)  # what is granted pays nothing here
    customer = w.customer()
    own = [w.subscription(seat, collection=collection, initial_quantity=1)]
    ends = [(first, noon), (noon, w.days_ago(-1))]
    for start, end in ends:
        w.contract(
            customer, card, start, usage_statement_schedule=MONTHLY, ending_before=end,
            subscriptions=own, recurring_credits=[w.recurring(72_000, start, applicable_product_ids=[other])],
        )  # fmt: skip
    w.run_due_work(until=w.now + timedelta(days=3))
    totals = sorted(exact(row.total) for row in w.invoices(customer) if exact(row.total))
    assert totals == [1450, 1550]  # 348 and 372 hours of 720, of 3,000
    granted = sorted(exact(row.access_schedule.schedule_items[0].amount) for row in w.held(customer))
    assert granted == [34_800, 37_200]


def test_a_change_an_hour_before_the_end_costs_an_hour(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    first, late = w.today.replace(day=1), w.today.replace(hour=23)
    card, seat = w.seat(7200)
    other = w.priced_seat(card, 1)  # what is granted pays nothing here
    customer = w.customer()
    contract = w.contract(
        customer, card, first, usage_statement_schedule=MONTHLY,
        subscriptions=[w.seats(seat, ["a"], temporary_id="s")],
        recurring_credits=[w.per_seat(72_000, first, applicable_product_ids=[other])],
    )  # fmt: skip
    for at in (late, late + HOUR / 2):  # of the hour in which it comes it has all
        seat_id = f"b{at:%M}"
        w.change(customer, contract, seat_updates={"add_seat_ids": [{"seat_ids": [seat_id], "starting_at": at}]})
    invoice = w.invoice(customer)
    assert [exact(line.total) for line in invoice.line_items] == [7200, 10, 10]
    w.run_due_work(until=w.days_ago(-1) - timedelta(seconds=1))
    month = next(row for row in w.held(customer) if row.access_schedule.schedule_items[0].starting_at == first)
    brought = [exact(entry.amount) for entry in month.ledger if entry.type == "CREDIT_SEAT_BASED_ADJUSTMENT"]
    assert brought == [100, 100]
