"""Changes of plan: docs/algorithms/plan-changes.md."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import Frequency, Period
from engine.money import ZERO
from engine.plan_changes import Direction, PaidTime, When, a_month, direction_of, unused_part, when_of

START = datetime(2028, 2, 1, tzinfo=UTC)
AMOUNTS = st.decimals(0, 10_000_000, places=4, allow_nan=False, allow_infinity=False)
CUTS = st.lists(st.integers(1, 29 * 24 - 1), min_size=1, max_size=6, unique=True).map(sorted)


@given(st.lists(AMOUNTS, min_size=1, max_size=7), CUTS, st.integers(0, 4))
def test_changes_in_one_period_never_credit_more_than_was_charged(
    prices: list[Decimal], cuts: list[int], places: int
) -> None:
    """Each plan asks its part of the time that is left, and the next change credits no more of that."""
    end = START + timedelta(days=29)
    begins = [START, *(START + timedelta(hours=cut) for cut in cuts)]
    hours = 29 * 24
    for start, price, cut in zip(begins, prices, [*begins[1:], end], strict=False):
        left = int((end - start).total_seconds()) // 3600
        charged = price * left / hours
        credited = unused_part(PaidTime(Period(start, end), charged), cut, places)
        assert ZERO <= credited <= charged
        used = charged - credited
        assert used >= charged * (left - int((end - cut).total_seconds()) // 3600) / left - Decimal("0.0001")


@given(AMOUNTS, st.integers(-100, 29 * 24 + 100), st.integers(-100, 29 * 24 + 100))
def test_the_later_it_is_cut_the_less_is_credited(charged: Decimal, one: int, other: int) -> None:
    paid = PaidTime(Period(START, START + timedelta(days=29)), charged)
    early, late = sorted((START + timedelta(hours=one), START + timedelta(hours=other)))
    assert unused_part(paid, early, 0) >= unused_part(paid, late, 0)
    assert unused_part(paid, paid.window.end, 0) == ZERO


def test_prices_a_month_and_which_way() -> None:
    assert a_month(Decimal(1200), Frequency.ANNUAL) == 100
    assert a_month(Decimal(600), Frequency.SEMI_ANNUAL) == 100
    assert a_month(Decimal(300), Frequency.QUARTERLY) == 100
    assert a_month(Decimal(12), Frequency.WEEKLY) == 52
    assert direction_of(Decimal(5), Decimal(5)) is Direction.UP
    assert direction_of(Decimal(5), Decimal(4)) is Direction.DOWN
    assert [when_of(one) for one in (Direction.UP, Direction.DOWN, None)] == [
        When.NOW, When.PERIOD_END, When.PERIOD_END,
    ]  # fmt: skip
