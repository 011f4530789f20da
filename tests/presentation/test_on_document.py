"""Products' sums that are shown add up to the total that is shown, for whatever lines."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.products import by_product
from engine.money import Currency, rounded
from invoices.selectors.document import document_of
from presentation.formatting import Money, on_document
from tests.invoices.test_pdf import USD, line

amounts = st.integers(-(10**7), 10**9).map(lambda number: Decimal(number).scaleb(-4))
products = st.lists(st.lists(amounts, min_size=1, max_size=5), min_size=1, max_size=6)


def figure(shown: Money) -> Decimal:
    """What is less than a coin is shown exactly and counts as nothing."""
    value = Decimal(shown.figure.replace(",", "").replace("\N{MINUS SIGN}", "-").rstrip("…"))
    return value if abs(value) >= Decimal("0.01") else Decimal(0)


@given(products)
def test_shown_sums_of_products_come_to_the_shown_total(found: list[list[Decimal]]) -> None:
    lines = [
        replace(line(f"Product {number}", "1", "1"), total=amount)
        for number, members in enumerate(found)
        for amount in members
    ]
    whole, _ = document_of(lines, USD)
    shown = [on_document(product.total, product.document_amount, USD) for product in by_product(whole)]
    exact = sum(amount for members in found for amount in members)
    assert sum(figure(one) for one in shown) == rounded(exact, Currency("USD", 0)).total / 100


def test_own_rounding_would_be_a_cent_off() -> None:
    lines = [replace(line(f"Product {n}", "1", "1"), total=Decimal("100.4")) for n in range(3)]
    whole, amounts = document_of(lines, USD)
    shown = [on_document(one.total, one.document_amount, USD) for one in by_product(whole)]
    assert [one.figure for one in shown] == ["1.01", "1.00", "1.00"]
    assert [one.exact for one in shown] == ["1.004"] * 3
    assert amounts.total == 301


def test_what_is_not_on_the_document_or_less_than_a_coin_is_shown_as_it_is() -> None:
    assert on_document(Decimal("0.04"), Decimal(0), USD).figure == "0.0004"
    assert on_document(Decimal("100.4"), None, USD).figure == "1.00"
    assert on_document(Decimal(0), Decimal(0), USD).figure == "0.00"
    assert on_document(Decimal("0.04"), Decimal(1), USD).figure == "0.01"
