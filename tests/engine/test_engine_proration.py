"""Proration by the hour: a period cut anywhere and billed in parts costs what it costs whole."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import BILLING_FREQUENCIES, BillingSchedule, Frequency, Period
from engine.invoice import compose_usage_invoice
from engine.money import total
from engine.prices import Subscription as SubscriptionPrice
from engine.proration import AmountRounding, ProrationRounding, fraction_of, full_period, prorated
from engine.rating import RateSchedule, RateVersion
from engine.recurring import Amount, RecurringGrant, grant_periods, seat_increase
from engine.subscriptions import Quantity, Subscription, subscription_charges
from tests.engine.strategies import START, UNIT, quick
from tests.engine.worlds import terms_of

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
ENDLESS = Decimal("1E-45")
"""What quotients that do not end may lose in all: they are kept to 50 places."""

schedules = st.builds(
    BillingSchedule,
    st.sampled_from(BILLING_FREQUENCIES),
    st.sampled_from([START.date(), START.date().replace(day=31), START.date().replace(year=2024, month=2, day=29)]),
    st.integers(0, 23),
)
prices = st.one_of(st.integers(1, 10**6).map(Decimal), st.decimals("0.0001", 10**6, places=4))
positions = st.lists(st.floats(0, 1), min_size=1, max_size=6)


def parts_of(whole: Period, cuts: Sequence[float], step: timedelta = HOUR) -> list[Period]:
    """The period cut at these shares of it, each moved back to a whole `step`."""
    steps = (whole.end - whole.start) // step
    edges = {whole.start, whole.end, *(whole.start + int(cut * steps) * step for cut in cuts)}
    return [Period(start, end) for start, end in pairwise(sorted(edges))]


def subscription(schedule: BillingSchedule, part: Period, price: Decimal) -> Subscription:
    version = RateVersion("r", START - 999 * DAY, None, True, SubscriptionPrice(price), UNIT)
    return Subscription(
        subscription_id="s", product_id="seat", name="Seats", frequency=schedule.frequency, billing=schedule,
        rates=RateSchedule((version,)), starting_at=part.start, ending_before=part.end,
        quantities=(Quantity(part.start, Decimal(1)),),
    )  # fmt: skip


def billed(made: Subscription, until: datetime) -> Decimal:
    """The unrounded sum of what it charges."""
    charged = tuple(charge.terms for charge in subscription_charges(made, until))
    return total(compose_usage_invoice(terms_of(subscriptions=(one,)), []).subtotal for one in charged)


@quick
@given(schedules, st.integers(-30, 30), positions)
def test_the_parts_of_a_period_are_all_of_it_wherever_it_is_cut(
    schedule: BillingSchedule, n: int, cuts: list[float]
) -> None:
    whole = Period(schedule.boundary(n), schedule.boundary(n + 1))
    found = [fraction_of(part, full_period(schedule, part.start)) for part in parts_of(whole, cuts, MINUTE)]
    assert sum(Fraction(*one) for one in found) == 1
    assert all(0 <= hours <= of == (whole.end - whole.start) // HOUR for hours, of in found)


@quick
@given(schedules, positions, prices)
def test_a_subscription_handed_on_at_any_hour_costs_what_it_costs_alone(
    schedule: BillingSchedule, cuts: list[float], price: Decimal
) -> None:
    """As where a contract is replaced by another: each bills its part of the period."""
    whole = Period(schedule.boundary(0), schedule.boundary(1))
    bills = [billed(subscription(schedule, part, price), whole.end) for part in parts_of(whole, cuts)]
    assert abs(total(bills) - price) < ENDLESS


@quick
@given(schedules, positions, prices, st.sampled_from(AmountRounding), st.integers(-2, 3))
def test_where_rounding_is_asked_for_parts_differ_from_the_whole_by_no_more_than_that(
    schedule: BillingSchedule, cuts: list[float], price: Decimal, method: AmountRounding, places: int
) -> None:
    whole = Period(schedule.boundary(0), schedule.boundary(1))
    parts = parts_of(whole, cuts)
    rounding = ProrationRounding(method, places)
    bills = [billed(replace(subscription(schedule, part, price), rounding=rounding), whole.end) for part in parts]
    assert abs(total(bills) - price) <= len(parts) * Decimal(1).scaleb(-places)


@quick
@given(schedules, positions, prices)
def test_a_recurring_grant_handed_on_grants_and_charges_as_much(
    schedule: BillingSchedule, cuts: list[float], price: Decimal
) -> None:
    whole = Period(schedule.boundary(0), schedule.boundary(1))
    made = [
        one
        for part in parts_of(whole, cuts)
        for one in grant_periods(
            RecurringGrant(
                schedule, part.start, part.end, Amount(price, Decimal(1)), invoice=Amount(price, Decimal(2))
            ),
            whole.end,
        )
    ]
    assert abs(total(one.amount for one in made) - price) < ENDLESS
    assert abs(total(one.charge or Decimal(0) for one in made) - 2 * price) < ENDLESS


@quick
@given(st.integers(0, 27 * 24 * 60), prices)
def test_a_seat_that_comes_and_what_was_there_without_it_make_the_whole(minute: int, price: Decimal) -> None:
    """What an increase brings for the rest of a period, and what was saved before it."""
    schedule = BillingSchedule(Frequency.MONTHLY, START.date())
    grant = RecurringGrant(schedule, START, None, Amount(price, Decimal(1)))
    [period] = grant_periods(grant, START + HOUR)
    at = START + minute * MINUTE
    rest = seat_increase(grant, period, Decimal(1), at, is_prorated=True)
    hours = (at - START) // HOUR
    assert abs(rest + prorated(price, (hours, 744)) - price) < ENDLESS


def test_no_time_costs_nothing() -> None:
    schedule = BillingSchedule(Frequency.MONTHLY, START.date())
    moment = Period(START + HOUR + MINUTE, START + HOUR + 2 * MINUTE)
    assert fraction_of(moment, full_period(schedule, moment.start)) == (0, 744)
    assert prorated(Decimal(3000), (0, 744)) == 0
    assert prorated(Decimal(3000), (0, 744), ProrationRounding(AmountRounding.CEILING, -2)) == 0
