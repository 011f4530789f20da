"""Increases that are billed immediately: what is billed stands, and only more than that is charged."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import BillingSchedule, Frequency
from engine.money import ZERO, total
from engine.rating import RateSchedule
from engine.subscriptions import (
    BilledQuantity,
    Collection,
    InvoiceBehavior,
    Quantity,
    Subscription,
    subscription_charges,
)
from tests.engine.strategies import START, quick

HOUR = timedelta(hours=1)


@quick
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5), st.booleans()), min_size=1, max_size=10))
def test_all_that_is_charged_of_a_period_is_what_was_ever_agreed(moves: list[tuple[int, int, bool]]) -> None:
    """Whatever changes in whichever order, some billed in between: what is billed stands, nothing is charged twice."""
    start = START
    schedule = BillingSchedule(Frequency.MONTHLY, start.date())
    agreed: list[Quantity] = [Quantity(start, ZERO)]
    billed: tuple[BilledQuantity, ...] = ()
    for hour, quantity, closes in moves:
        agreed.append(Quantity(start + hour * HOUR, ZERO + quantity))
        made = Subscription(
            "s", "seat", "Seats", Frequency.MONTHLY, schedule, RateSchedule(()), start, None, tuple(agreed),
            Collection.ADVANCE, True, InvoiceBehavior.BILL_IMMEDIATELY, billed=billed,
        )  # fmt: skip
        charges = list(subscription_charges(made, start + HOUR))
        found = [BilledQuantity(one.terms.window.start, one.ordinal, one.terms.quantity) for one in charges]
        assert len({(one.starting_at, one.ordinal) for one in found}) == len(found)
        assert set(billed) <= set(found)
        most = max(made.quantity_at(start + n * HOUR) for n in range(7))
        assert total(one.quantity for one in found) >= most
        if not billed:
            assert total(one.quantity for one in found) == most
        if closes:
            billed += tuple(one for one in found if one not in billed and one.quantity)
