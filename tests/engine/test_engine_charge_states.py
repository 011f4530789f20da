"""Charges before invoices: terms that cannot be are refused, an invoice asks for what the terms allow, states end."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.charge_states import NEXT, OPEN, ChargeAmount, ChargeState, ChargeTerms, settled
from engine.errors import InvalidTerms

AT = datetime(2026, 3, 1, tzinfo=UTC)
NUMBERS = st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False)


@given(NUMBERS, NUMBERS)
def test_a_fixed_amount_is_price_times_quantity_and_nothing_else(price: Decimal, quantity: Decimal) -> None:
    terms = ChargeTerms(AT, price, quantity)
    assert terms.amount is not None
    assert settled(terms, terms.amount) == terms.amount
    with pytest.raises(InvalidTerms, match="fixed"):
        settled(terms, terms.amount + 1)


@given(NUMBERS, NUMBERS)
def test_a_settled_amount_is_unknown_until_an_invoice_says_it(agreed: Decimal, asked: Decimal) -> None:
    terms = ChargeTerms(AT, agreed, amount_type=ChargeAmount.SETTLED)
    assert terms.amount is None
    assert settled(terms, asked) == asked


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "-1"])
def test_numbers_that_cannot_be_asked_for_are_refused(value: str) -> None:
    with pytest.raises(InvalidTerms, match="unit_price"):
        ChargeTerms(AT, Decimal(value))
    with pytest.raises(InvalidTerms, match="quantity"):
        ChargeTerms(AT, Decimal(1), Decimal(value))
    with pytest.raises(InvalidTerms, match="finite"):
        settled(ChargeTerms(AT, Decimal(1), amount_type=ChargeAmount.SETTLED), Decimal(value))


def test_a_date_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidTerms, match="time zone"):
        ChargeTerms(datetime(2026, 3, 1), Decimal(1))  # noqa: DTZ001 - that is the point


def test_every_state_says_what_follows_and_canceled_is_the_end() -> None:
    assert set(NEXT) == set(ChargeState)
    assert not NEXT[ChargeState.CANCELED]
    assert all(ChargeState.CANCELED in NEXT[state] for state in OPEN)
    assert all(ChargeState.CANCELED not in NEXT[state] for state in set(ChargeState) - OPEN)
