"""What must hold whatever day it is: run by every `make test` at each instant where dates have an edge."""

import os
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection
from metronome import BadRequestError

from core.clock import now
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import World, exact

pytestmark = pytest.mark.calendar(always=True)
DAY = timedelta(days=1)
GRACE = timedelta(hours=settings.TACTUS_GRACE_HOURS)
MOMENT = timedelta(microseconds=1)
MONTHLY = {"frequency": "MONTHLY", "day": "FIRST_OF_MONTH"}


def months(at: datetime) -> list[datetime]:
    """The firsts of the month that holds `at`, of two before it and two after it."""
    this = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before, after = this - DAY, this + 32 * DAY
    return [
        (before.replace(day=1) - DAY).replace(day=1), before.replace(day=1), this,
        after.replace(day=1), (after.replace(day=1) + 32 * DAY).replace(day=1),
    ]  # fmt: skip


def test_the_clock_is_where_it_was_put_and_the_local_time_is_another(instant: datetime, db: None) -> None:
    assert timedelta(0) <= now() - instant < timedelta(minutes=1)
    local = {"Europe/Berlin": {"CET", "CEST"}}.get(os.environ["TZ"], {"UTC"})  # as make test and make test-calendar do
    assert instant.astimezone().tzname() in local
    with connection.cursor() as cursor:
        cursor.execute("SHOW timezone")
        assert cursor.fetchone() == ("UTC",)


def test_usage_is_billed_in_the_month_that_holds_it(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    first, last, this, following, end = months(world.now)
    world.contract(customer, card, first, usage_statement_schedule=MONTHLY)
    used = {first: 0, last: 0, this: 0}
    ahead = min(world.now + DAY - timedelta(minutes=1), following - MOMENT)
    sent = [world.now - timedelta(days=34), this - MOMENT, this, world.now, ahead]
    for quantity, at in enumerate(sent, start=1):
        world.use(customer, metric, 10**quantity, at)
        used[max(month for month in used if month <= at)] += 10**quantity
    world.run_due_work()

    def billed() -> list[tuple[datetime, datetime, str, Decimal]]:
        return [
            (row.start_timestamp, row.end_timestamp, row.status, exact(row.total)) for row in world.invoices(customer)
        ]

    def expected(at: datetime) -> list[tuple[datetime, datetime, str, Decimal]]:
        spans = [(first, last), (last, this), (this, following), (following, end)]
        return [
            (start, stop, "FINALIZED" if stop + GRACE <= at else "DRAFT", Decimal(100 * used.get(start, 0)))
            for start, stop in spans
            if start <= at
        ]

    assert billed() == expected(world.now)
    for moment in (this + GRACE - MOMENT, this + GRACE, following - MOMENT, following, following + GRACE):
        if moment > world.now:
            world.run_due_work(until=moment)
            assert billed() == expected(moment), moment
    numbers: dict[str, list[int]] = {}
    for row in world.invoices(customer, status="FINALIZED"):
        year, _, number = row.number.rpartition("-")
        numbers.setdefault(year, []).append(int(number))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values()), numbers
    assert sum(map(len, numbers.values())) == 3


def test_what_is_too_old_or_too_far_ahead_is_refused(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    world.contract(customer, card, months(world.now)[0])
    for at in (now() - timedelta(days=34, minutes=2), now() + timedelta(hours=24, minutes=1)):
        with pytest.raises(BadRequestError, match="timestamp"):
            world.use(customer, metric, 1, at)
    assert {exact(row.total) for row in world.invoices(customer)} == {0}


def test_every_day_has_24_hours_and_they_sum_to_it(world: World) -> None:
    """In Europe one has 23 and one 25: nobody here may notice."""
    metric, _, card = world.priced(tiers=[{"size": 20, "price": "0.3"}, {"price": "0.2"}])
    customer = world.customer()
    world.open_contract(customer, card, 1, "WEEKLY")
    start, end = world.days_ago(1), world.days_ago(-1)
    hours = [start + timedelta(hours=n) for n in range(48)]
    past = [hour for hour in hours if hour <= world.now]
    world.send(*(world.event(customer, metric, n + 1, hour) for n, hour in enumerate(past)))
    cells = list(
        world.sdk.v1.usage.list(
            starting_on=start, ending_before=end, window_size="HOUR", customer_ids=[customer],
            billable_metrics=[{"id": metric.id}],
        )
    )  # fmt: skip
    spans = [(cell.start_timestamp, cell.end_timestamp) for cell in cells]
    assert spans == [(hour, hour + timedelta(hours=1)) for hour in hours]
    assert [cell.value or 0 for cell in cells] == [n + 1 if hour in past else 0 for n, hour in enumerate(hours)]
    invoice = world.invoice(customer)
    total = Decimal(len(past) * (len(past) + 1) // 2)
    assert exact(invoice.subtotal) == Decimal("0.3") * 20 + Decimal("0.2") * (total - 20)
    for size, width in (("DAY", DAY), ("HOUR", timedelta(hours=1))):
        parts = list(
            world.sdk.v1.customers.invoices.list_breakdowns(
                customer_id=customer, starting_on=start, ending_before=end, window_size=size
            )
        )
        assert {part.breakdown_end_timestamp - part.breakdown_start_timestamp for part in parts} == {width}
        assert sum(exact(part.total) for part in parts) == exact(invoice.subtotal)


def test_a_month_is_prorated_by_the_days_it_has(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(100_000)
    customer = w.customer()
    _, _, this, following, end = months(w.now)
    own = w.subscription(seat, initial_quantity=1)
    w.contract(customer, card, w.today, usage_statement_schedule=MONTHLY, subscriptions=[own])
    share = Decimal((following - w.today).days) / (following - this).days
    [draft] = w.invoices(customer)
    assert (draft.start_timestamp, draft.end_timestamp) == (w.today, following)
    assert abs(exact(draft.total) - 100_000 * share) <= Decimal("0.5")
    w.run_due_work(until=end + GRACE)
    partial, whole, running = w.invoices(customer)
    assert (partial.status, exact(partial.total)) == ("FINALIZED", exact(draft.total))
    assert (whole.start_timestamp, whole.end_timestamp) == (following, end)
    assert (whole.status, exact(whole.total)) == ("FINALIZED", 100_000)
    assert (running.start_timestamp, running.status) == (end, "DRAFT")


def test_a_monthly_credit_ends_with_its_month(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    first, last, this, following, _ = months(w.now)
    credits = [w.recurring(1_000, first, proration="NONE")]
    w.contract(customer, card, first, usage_statement_schedule=MONTHLY, recurring_credits=credits)
    held = sorted(row.access_schedule.schedule_items[0].starting_at for row in w.held(customer))
    assert held[:3] == [first, last, this]
    w.use(customer, metric, 3, this - MOMENT)  # of the month before, final or not
    w.use(customer, metric, 4, w.now)
    assert w.net(customer) == 600
    w.run_due_work(until=following + GRACE)
    moved = {
        row.access_schedule.schedule_items[0].starting_at: {
            entry.type.removeprefix("CREDIT_"): exact(entry.amount) for entry in row.ledger
        }
        for row in w.held(customer)
    }
    given, paid, lost = "SEGMENT_START", "AUTOMATED_INVOICE_DEDUCTION", "EXPIRATION"
    assert moved[first] == {given: 1_000, lost: -1_000}
    assert moved[last] == {given: 1_000, paid: -300, lost: -700}
    assert moved[this] == {given: 1_000, paid: -400, lost: -600}
