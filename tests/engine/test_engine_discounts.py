"""What a discount takes off: what was agreed, and never more than is left."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.charge_states import discount_taken
from tests.engine.strategies import quick
from tests.engine.tables import table

ROWS = table("schedules", "discounts")
agreed = st.decimals(0, 10**6, places=4)
amounts = st.decimals(-(10**6), 10**6, places=4)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['agreed']} of {row['left']}" for row in ROWS])
def test_worked_cases(row: dict[str, str]) -> None:
    left, given_ = Decimal(row["left"]), Decimal(row["agreed"])
    taken = discount_taken(given_, left)
    assert (taken, left - taken) == (Decimal(row["taken"]), Decimal(row["to_pay"]))


@quick
@given(amounts, st.lists(agreed, max_size=5))
def test_several_take_no_more_than_there_is_and_in_order(left: Decimal, discounts: list[Decimal]) -> None:
    rest = left
    for one in discounts:
        taken = discount_taken(one, rest)
        assert 0 <= taken <= one
        assert taken == one or rest - taken <= 0
        rest -= taken
    assert rest == max(left - sum(discounts), min(left, Decimal(0)))
