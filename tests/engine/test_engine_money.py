"""Exactness, the one rounding, and canonical text."""

from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.errors import InvalidTerms
from engine.money import (
    EXACT,
    Currency,
    add,
    checked,
    divide,
    fiat,
    mul,
    plain,
    round_total,
    rounded,
    subtract,
    total,
)
from tests.engine.strategies import amounts, quick

currencies = st.sampled_from(["USD", "EUR", "JPY", "GBP"]).map(fiat)


@quick
@given(amounts, amounts)
def test_arithmetic_is_that_of_fractions(left: Decimal, right: Decimal) -> None:
    assert Fraction(add(left, right)) == Fraction(left) + Fraction(right)
    assert Fraction(subtract(left, right)) == Fraction(left) - Fraction(right)
    assert Fraction(mul(left, right)) == Fraction(left) * Fraction(right)
    assert Fraction(total([left, right, left])) == 2 * Fraction(left) + Fraction(right)
    if right:
        error = abs(Fraction(divide(left, right)) - Fraction(left) / Fraction(right))
        assert error <= Fraction(1, 2 * 10**50) + Fraction(1, 10**300)


def test_division_is_exact_where_it_ends() -> None:
    assert divide(Decimal(1), Decimal(1024)) == Decimal("0.0009765625")
    assert plain(divide(Decimal(-1), Decimal(3))) == "-0." + "3" * 50
    assert plain(divide(Decimal(2), Decimal(3))) == "0." + "6" * 49 + "7"


def test_a_lost_digit_is_an_error() -> None:
    with pytest.raises(Inexact):
        EXACT.add(Decimal("1E+700"), Decimal(1))


@quick
@given(amounts, currencies)
def test_total_is_rounded_half_away_from_zero(amount: Decimal, currency: Currency) -> None:
    result = rounded(amount, currency)
    unit = Fraction(1, 10**currency.places)
    whole, rest = divmod(abs(Fraction(amount)), unit)
    expected = (whole + (2 * rest >= unit)) * unit
    assert Fraction(result.total) == (expected if amount > 0 else -expected)
    assert add(amount, result.rounding) == result.total == round_total(amount, currency)
    assert abs(Fraction(result.rounding)) * 2 <= unit
    assert not (result.total.is_signed() and result.total.is_zero())


@quick
@given(amounts)
def test_plain_text_is_canonical(amount: Decimal) -> None:
    text = plain(amount)
    assert Decimal(text) == amount
    assert "E" not in text
    assert plain(EXACT.multiply(amount, Decimal("1.000"))) == text


def test_wire_units() -> None:
    assert [fiat(code).places for code in ("USD", "EUR", "JPY", "CLP", "GBP")] == [0, 2, 0, 0, 2]


def test_constructors_refuse() -> None:
    for make, field in [
        (lambda: Currency("", 2), "currency"),
        (lambda: Currency("USD", -1), "currency"),
        (lambda: Currency("USD", 7), "currency"),
        (lambda: checked(Decimal(-1), "amount"), "amount"),
        (lambda: checked(Decimal("NaN"), "amount", least=None), "amount"),
        (lambda: checked(Decimal("1E+40"), "amount"), "amount"),
        (lambda: checked("1", "amount"), "amount"),
        (
            lambda: QuantityConversion(Decimal(0), ConversionOperation.DIVIDE),
            "quantity_conversion.conversion_factor",
        ),
        (
            lambda: QuantityConversion(Decimal(-1), ConversionOperation.MULTIPLY),
            "quantity_conversion.conversion_factor",
        ),
        (lambda: QuantityRounding(RoundingMethod.ROUND_UP, 21), "quantity_rounding.decimal_places"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            make()
        assert caught.value.field == field
    assert checked(Decimal(-1), "amount", least=None) == -1
    third = divide(Decimal(1), Decimal(3))
    assert checked(add(third, subtract(Decimal(2), third)), "quantity") == 2  # ends in fifty zeros
    with pytest.raises(InvalidTerms):
        checked(third, "quantity")
