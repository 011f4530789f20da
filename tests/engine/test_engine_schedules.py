"""Schedules, proration, recurring grants, subscriptions and seats: the tables, and that nothing is lost on the way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import BillingSchedule, Frequency, Period
from engine.errors import InvalidTerms
from engine.invoice import compose_usage_invoice
from engine.money import fiat, plain, total
from engine.overrides import OverrideSpecifier
from engine.prices import Subscription as SubscriptionPrice
from engine.proration import AmountRounding, ProrationRounding, fraction_of, full_period, prorated
from engine.rating import RateSchedule, RateVersion
from engine.recurring import Amount, GrantProration, RecurringGrant, grant_periods, seat_increase
from engine.schedules import AccessSegment, Distribution, ScheduleItem, check_postpaid, recurring_items
from engine.subscriptions import (
    Collection,
    InvoiceBehavior,
    Placement,
    Quantity,
    Seats,
    Subscription,
    on_scheduled_invoice,
    on_usage_invoice,
    subscription_charges,
)
from tests.engine.strategies import START, UNIT, quick
from tests.engine.tables import at, table
from tests.engine.worlds import BEFORE, balances, override, terms_of

Row = dict[str, str]
DAY = timedelta(days=1)
USD = fiat("USD")


def each(page: str, name: str) -> Callable[[Any], Any]:
    rows = table(page, name)
    return pytest.mark.parametrize("row", rows, ids=[" | ".join(row.values())[:80] for row in rows])


def rounding(text: str) -> ProrationRounding | None:
    if not text:
        return None
    method, places = text.split()
    return ProrationRounding(AmountRounding(method), int(places))


@each("schedules", "instalments")
def test_instalments(row: Row) -> None:
    items = recurring_items(
        frequency=Frequency(row["frequency"]),
        distribution=Distribution(row["distribution"]),
        starting_at=at(row["from"]),
        ending_before=at(row["until"]),
        unit_price=Decimal(row["amount"]),
        quantity=Decimal(1),
        currency=USD,
    )
    assert [item.timestamp for item in items] == [at(text) for text in row["dates"].split()]
    assert [plain(item.amount) for item in items] == row["amounts"].split()


@quick
@given(
    st.sampled_from([Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.ANNUAL]),
    st.sampled_from([Distribution.DIVIDED, Distribution.DIVIDED_ROUNDED]),
    st.integers(1, 1500),
    st.decimals(0, 10**9, places=6),
    st.decimals(0, 100, places=3),
)
def test_divided_shares_sum_to_the_amount(
    frequency: Frequency, distribution: Distribution, days: int, each: Decimal, quantity: Decimal
) -> None:
    items = recurring_items(
        frequency=frequency, distribution=distribution, starting_at=START, ending_before=START + days * DAY,
        unit_price=each, quantity=quantity, currency=fiat("EUR"),
    )  # fmt: skip
    assert total(item.amount for item in items) == ScheduleItem(START, each, quantity).amount
    assert all(item.amount >= 0 for item in items)


@each("schedules", "fractions")
def test_fraction(row: Row) -> None:
    anchor = at(row["anchor"])
    schedule = BillingSchedule(Frequency(row["frequency"]), anchor.date(), anchor.hour)
    start = at(row["from"])
    hours, of = fraction_of(Period(start, at(row["until"])), full_period(schedule, start))
    assert f"{hours}/{of}" == row["fraction"]


@each("schedules", "rounding")
def test_prorated(row: Row) -> None:
    hours, of = row["fraction"].split("/")
    assert plain(prorated(Decimal(row["amount"]), (int(hours), int(of)), rounding(row["rounding"]))) == row["result"]


@each("schedules", "grant periods")
def test_grant_periods(row: Row) -> None:
    grant = RecurringGrant(
        BillingSchedule(Frequency.MONTHLY, START.date()),
        at(row["from"]),
        at(row["until"]),
        Amount(Decimal(310), Decimal(1)),
        int(row["duration"]),
        invoice=Amount(Decimal(155), Decimal(2)),
        proration=GrantProration(row["proration"]),
    )
    found = list(grant_periods(grant, at("2030-01-01T00")))
    assert ", ".join(
        f"{one.access.start:%Y-%m-%dT%H} {one.access.end:%Y-%m-%dT%H} {plain(one.amount)}" for one in found
    ) == row["grant periods"]  # fmt: skip
    assert [one.charge for one in found] == [one.amount for one in found]
    assert list(grant_periods(grant, found[-1].period.start)) == found[:-1]


def test_daily_grants_and_pooled_seats() -> None:
    daily = RecurringGrant(BillingSchedule(Frequency.DAILY, START.date()), START, None, Amount(Decimal(5), Decimal(3)))
    assert [(one.access.start, one.amount) for one in grant_periods(daily, START + 2 * DAY)] == [
        (START, 15),
        (START + DAY, 15),
    ]
    schedule = BillingSchedule(Frequency.MONTHLY, START.date())
    monthly = replace(daily, schedule=schedule, access=Amount(Decimal(31), Decimal(3)))
    [grant_period] = grant_periods(monthly, START + DAY)
    late = START + 30 * DAY
    assert seat_increase(monthly, grant_period, Decimal(2), late, is_prorated=True) == 2
    assert seat_increase(monthly, grant_period, Decimal(2), late, is_prorated=False) == 62


def subscription(changes: str, **facts: Any) -> Subscription:
    monday = at("2025-01-06T00")
    moves = [part.replace("T", " ").replace(":", " ").split() for part in changes.split()]
    quantities = tuple(
        Quantity(monday.replace(day=int(day), hour=int(hour[0]) if hour else 0), Decimal(quantity))
        for day, *hour, quantity in moves
    )
    version = RateVersion("r", BEFORE, None, True, SubscriptionPrice(Decimal(63861)), UNIT)
    given: dict[str, Any] = {
        "subscription_id": "s",
        "product_id": "seat",
        "name": "Seats",
        "frequency": Frequency.WEEKLY,
        "billing": BillingSchedule(Frequency.WEEKLY, monday.date()),
        "rates": RateSchedule((version,)),
        "starting_at": monday,
        "ending_before": monday + 14 * DAY,
        "quantities": quantities,
    }
    return Subscription(**(given | facts))


@each("subscriptions", "charges")
def test_subscription_charges(row: Row) -> None:
    made = subscription(
        row["changes"],
        collection=Collection(row["collection"]),
        is_prorated=row["prorated"] == "yes",
        invoice_behavior=InvoiceBehavior(row["behavior"]),
    )
    found = []
    for charge in subscription_charges(made, at("2025-02-01T00")):
        [line] = compose_usage_invoice(terms_of(subscriptions=(charge.terms,)), []).lines
        hours, of = charge.terms.fraction
        found.append(f"{charge.due_at.day} {plain(charge.terms.quantity)} {hours * 168 // of} {plain(line.total)}")
    assert ", ".join(found) == row["charges"]


def test_where_charges_stand() -> None:
    weeks = [Period(at("2025-01-06T00") + n * 7 * DAY, at("2025-01-13T00") + n * 7 * DAY) for n in range(2)]
    until = at("2025-02-01T00")
    for facts, own, first, second in [
        ({}, 0, 2, 1),
        ({"collection": Collection.ADVANCE}, 1, 2, 0),
        ({"collection": Collection.ADVANCE, "invoice_behavior": InvoiceBehavior.BILL_IMMEDIATELY}, 2, 1, 0),
        ({"placement": Placement.ON_SCHEDULED_INVOICE}, 3, 0, 0),
    ]:
        found = list(subscription_charges(subscription("6:1 12:2", **facts), until))
        assert len(found) == 3
        assert sum(on_scheduled_invoice(charge, weeks) for charge in found) == own
        assert [sum(on_usage_invoice(charge, week) for charge in found) for week in weeks] == [first, second]


def test_subscriptions_have_overrides_and_are_paid() -> None:
    [charge, *_] = subscription_charges(subscription("6:2"), at("2025-01-07T00"))
    weekly = OverrideSpecifier(product_id="seat", billing_frequency="WEEKLY")
    trial = override("=0", 1, product_id=None, specifiers=(weekly,))
    monthly = replace(trial, specifiers=(replace(weekly, billing_frequency="MONTHLY"),))
    for overrides, total_due in [((trial,), 0), ((monthly,), 127722), ((), 127722)]:
        terms = terms_of(subscriptions=(charge.terms,), overrides=overrides)
        assert compose_usage_invoice(terms, []).total == total_due
    paid = compose_usage_invoice(terms_of(subscriptions=(charge.terms,), balances=balances("list 100000")), [])
    assert [line.type for line in paid.lines] == ["subscription", "applied_commit_or_credit", "subscription"]
    assert (paid.total, paid.lines[0].subscription_id) == (27722, "s")


def test_price_of_a_period_is_that_of_its_start() -> None:
    old = RateVersion("a", BEFORE, at("2025-01-10T00"), True, SubscriptionPrice(Decimal(700)), UNIT)
    new = RateVersion("b", at("2025-01-10T00"), None, True, SubscriptionPrice(Decimal(7000)), UNIT)
    made = subscription("6:1 12:2", rates=RateSchedule((old, new)))
    charges = list(subscription_charges(made, at("2025-02-01T00")))
    totals = [compose_usage_invoice(terms_of(subscriptions=(charge.terms,)), []).total for charge in charges]
    assert totals == [700, 100, 14000]


@each("subscriptions", "seats")
def test_seats(row: Row) -> None:
    word, *ids = row["change"].split()
    seats = Seats(tuple(row["assigned"].split()), int(row["unassigned"]))
    after = seats.add(ids) if word == "add" else seats.remove(ids)
    assert (" ".join(after.assigned), str(after.total)) == (row["assigned then"], row["total then"])
    assert seats.add_unassigned(2).remove_unassigned(99).total == len(seats.assigned)


def test_constructors_refuse() -> None:
    monthly = BillingSchedule(Frequency.MONTHLY, START.date())
    one = Amount(Decimal(1), Decimal(1))
    half_past = START + timedelta(minutes=30)
    segment = AccessSegment(Decimal(5), START, START + DAY)
    for make, field in [
        (lambda: RecurringGrant(monthly, START, START, one), "ending_before"),
        (lambda: RecurringGrant(monthly, START, None, one, 0), "commit_duration"),
        (lambda: Amount(Decimal(-1), Decimal(1)), "unit_price"),
        (lambda: subscription("6:1", invoice_behavior=InvoiceBehavior.BILL_IMMEDIATELY), "proration.invoice_behavior"),
        (lambda: subscription("6:1", frequency=Frequency.MONTHLY), "billing_frequency"),
        (lambda: Seats(("a", "a")), "seat_ids"),
        (lambda: AccessSegment(Decimal(1), START, START), "access_schedule.schedule_items.ending_before"),
        (lambda: AccessSegment(Decimal(1), half_past, START + DAY), "access_schedule.schedule_items.starting_at"),
        (lambda: ScheduleItem(START, Decimal("NaN")), "unit_price"),
        (lambda: check_postpaid([segment, segment], []), "access_schedule"),
        (lambda: check_postpaid([segment], []), "invoice_schedule"),
        (lambda: check_postpaid([segment], [ScheduleItem(START, Decimal(4))]), "invoice_schedule"),
        (lambda: ProrationRounding(AmountRounding.FLOOR, 30), "decimal_places"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            make()
        assert caught.value.field == field
    check_postpaid([segment], [ScheduleItem(START, Decimal(5))])
