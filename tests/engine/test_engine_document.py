"""The document view: worked tables of docs/algorithms/documents.md, and what holds for any lines."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.document import (
    CountedLine,
    DocumentTax,
    TaxRate,
    amount_due,
    apportion,
    document_view,
    minor_units,
    opening_state,
)
from engine.errors import InvalidTerms
from engine.money import Currency, fiat, round_total, total
from tests.engine.strategies import amounts, quick
from tests.engine.tables import numbers
from tests.engine.test_engine_tables import Row, each

currencies = st.sampled_from(["USD", "EUR", "JPY"]).map(fiat)
taxes = st.one_of(
    st.none(),
    st.builds(TaxRate, st.sampled_from(["S", "Z", "AE"]), st.sampled_from([Decimal(t) for t in ("0", "0.07", "0.19")])),
)
near_half = st.integers(-40, 40).map(lambda count: Decimal(count) / 4)
lines_drawn = st.lists(st.builds(CountedLine, st.one_of(near_half, amounts), taxes), max_size=12)


def half_away(value: Fraction) -> int:
    """Rounded to a whole number, halves away from zero, by fractions alone."""
    whole, rest = divmod(abs(value), 1)
    size = int(whole) + (2 * rest >= 1)
    return size if value >= 0 else -size


def turned(lines: list[CountedLine]) -> list[CountedLine]:
    return [CountedLine(line.amount.copy_negate(), line.tax) for line in lines]


@each("documents", "lines")
def test_lines_as_worked_out_by_hand(row: Row) -> None:
    currency = fiat(row["currency"])
    exact = numbers(row["exact lines"])
    view = document_view([CountedLine(amount) for amount in exact], currency)
    made = [line.amount for line in view.lines]
    alone = [half_away(Fraction(amount) * 10**currency.places) for amount in exact]
    moved = [str(place) for place, (one, other) in enumerate(zip(made, alone, strict=True), 1) if one != other]
    assert (made, view.subtotal, " ".join(moved)) == (
        [int(part) for part in row["document lines"].split()], int(row["subtotal"]), row["moved"],
    )  # fmt: skip
    assert (view.tax, view.total, view.taxes) == (0, view.subtotal, ())


@each("documents", "taxes")
def test_taxes_as_worked_out_by_hand(row: Row) -> None:
    lines = []
    for part in row["lines"].split():
        amount, _, tax = part.partition("@")
        rate = TaxRate(tax.rstrip("0123456789."), Decimal(tax.lstrip("ASZE"))) if tax else None
        lines.append(CountedLine(Decimal(amount), rate))
    view = document_view(lines, fiat("USD"))
    told = [f"{tax.rate.category}{tax.rate.rate}:{tax.base}={tax.amount}" for tax in view.taxes]
    assert (" ".join(told), " ".join(str(line.tax) for line in view.lines)) == (row["taxes"], row["tax by line"])
    assert (view.tax, view.total) == (int(row["tax"]), int(row["total"]))


@each("documents", "due")
def test_what_is_due_as_worked_out_by_hand(row: Row) -> None:
    due = amount_due(int(row["total"]))
    assert (due, str(opening_state(due))) == (int(row["due"]), row["begins"])


@quick
@given(lines_drawn, currencies)
def test_lines_and_taxes_add_up_and_no_line_moves_by_more_than_one(
    lines: list[CountedLine], currency: Currency
) -> None:
    view = document_view(lines, currency)
    assert len(view.lines) == len(lines)
    assert sum(line.amount for line in view.lines) == view.subtotal
    exact = total(line.amount for line in lines)
    assert view.subtotal == minor_units(round_total(exact, currency), currency)  # the API's total, in minor units
    for line, made in zip(lines, view.lines, strict=True):
        value = Fraction(line.amount) * 10**currency.places
        assert abs(made.amount - half_away(value)) <= 1
        assert abs(made.amount - value) < 1
    assert sum(line.tax for line in view.lines) == sum(tax.amount for tax in view.taxes) == view.tax
    assert view.total == view.subtotal + view.tax


@quick
@given(lines_drawn, currencies)
def test_tax_is_rounded_once_for_each_category_and_rate(lines: list[CountedLine], currency: Currency) -> None:
    view = document_view(lines, currency)
    assert [tax.rate for tax in view.taxes] == list(dict.fromkeys(line.tax for line in lines if line.tax))
    for tax in view.taxes:
        members = [made for line, made in zip(lines, view.lines, strict=True) if line.tax == tax.rate]
        base = sum(made.amount for made in members)
        assert tax == DocumentTax(tax.rate, base, half_away(base * Fraction(tax.rate.rate)))
        assert sum(made.tax for made in members) == tax.amount
        assert all(abs(made.tax - made.amount * Fraction(tax.rate.rate)) < 1 for made in members)
    assert all(made.tax == 0 for line, made in zip(lines, view.lines, strict=True) if line.tax is None)


@quick
@given(lines_drawn, currencies)
def test_turning_every_sign_turns_every_amount(lines: list[CountedLine], currency: Currency) -> None:
    view, mirror = document_view(lines, currency), document_view(turned(lines), currency)
    assert [(-line.amount, -line.tax) for line in mirror.lines] == [(line.amount, line.tax) for line in view.lines]
    assert (-mirror.subtotal, -mirror.tax) == (view.subtotal, view.tax)
    assert document_view(list(lines), currency) == view


@quick
@given(st.lists(near_half, min_size=1, max_size=8))
def test_the_residue_goes_to_the_largest_remainders(exact: list[Decimal]) -> None:
    made = apportion(exact)
    lost = [Fraction(value) - half_away(Fraction(value)) for value in exact]
    moved = [one - half_away(Fraction(other)) for one, other in zip(made, exact, strict=True)]
    for here, step in enumerate(moved):
        for there, other in enumerate(moved):
            if step and not other:  # who was passed over lost less, or as much and stands later
                assert (-lost[here] * step, here) <= (-lost[there] * step, there)


@pytest.mark.parametrize(("category", "rate"), [("", "0.19"), ("X" * 11, "0.19"), ("S", "-0.1"), ("S", "NaN")])
def test_a_tax_that_cannot_be_is_refused(category: str, rate: str) -> None:
    with pytest.raises(InvalidTerms):
        TaxRate(category, Decimal(rate))
