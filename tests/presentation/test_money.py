from decimal import Decimal

import pytest

from presentation.formatting import abridge, format_money, format_quantity, parse_money

USD = {"minor_digits": 2, "places": 0}
EUR = {"minor_digits": 0, "places": 2}
JPY = {"minor_digits": 0, "places": 0}


@pytest.mark.parametrize(
    ("stored", "unit", "figure"),
    [
        ("24736", USD, "247.36"),
        ("5", USD, "0.05"),
        ("0", USD, "0.00"),
        ("-0", USD, "0.00"),
        ("100", USD, "1.00"),
        ("123456789", USD, "1,234,567.89"),
        ("-123456789", USD, "\N{MINUS SIGN}1,234,567.89"),
        ("-12300", USD, "\N{MINUS SIGN}123.00"),
        ("0.0015", USD, "0.000015"),
        ("24736.50", USD, "247.365"),
        ("1E+5", USD, "1,000.00"),
        ("1E-9", USD, "0.00000000001"),
        ("247.36", EUR, "247.36"),
        ("1000", EUR, "1,000.00"),
        ("0.5", EUR, "0.50"),
        ("0.00002", EUR, "0.00002"),
        ("1234", JPY, "1,234"),
        ("0.25", JPY, "0.25"),
    ],
)
def test_money_in_a_persons_units(stored: str, unit: dict[str, int], figure: str) -> None:
    assert format_money(Decimal(stored), **unit) == figure


def test_money_keeps_every_digit_beyond_the_default_precision() -> None:
    # Decimal's default context has 28 digits: any arithmetic in it would round this.
    digits = "123456789012345678901234567890.123456789012345678901234567891"
    assert format_money(Decimal(digits), **EUR).replace(",", "") == digits
    assert format_money(Decimal(digits), **USD).replace(",", "").replace(".", "") == digits.replace(".", "")


@pytest.mark.parametrize(
    ("quantity", "figure"),
    [
        ("0", "0"),
        ("7", "7"),
        ("999", "999"),
        ("1000", "1,000"),
        ("37493333", "37,493,333"),
        ("1234567.50", "1,234,567.5"),
        ("-1500", "\N{MINUS SIGN}1,500"),
        ("1E+6", "1,000,000"),
        ("0.000001", "0.000001"),
    ],
)
def test_quantities_have_no_trailing_zeros(quantity: str, figure: str) -> None:
    assert format_quantity(Decimal(quantity)) == figure


@pytest.mark.parametrize("broken", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_not_a_number_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        format_money(Decimal(broken), **USD)
    with pytest.raises(ValueError, match="not a quantity"):
        format_quantity(Decimal(broken))


@pytest.mark.parametrize(
    ("figure", "decimals", "shown"),
    [
        ("0.3333333333", 4, "0.3333…"),
        ("0.9999999999", 4, "0.9999…"),
        ("0.1234", 4, "0.1234"),
        ("1,234.5", 4, "1,234.5"),
        ("1,234", 1, "1,234"),
        ("-0.66666", 2, "-0.66…"),
    ],
)
def test_long_decimals_are_cut_and_say_so(figure: str, decimals: int, shown: str) -> None:
    assert abridge(figure, decimals) == shown


@pytest.mark.parametrize(
    ("text", "minor_digits", "places", "stored"),
    [
        ("25", 2, 0, "2500"),
        ("25.00", 2, 0, "2500"),
        (" 1,234.5 ", 2, 0, "123450"),
        ("0.10", 2, 0, "10"),
        ("25.100", 2, 0, "2510"),
        ("12.34", 0, 2, "12.34"),
        ("1500", 0, 0, "1500"),
        ("0.000001", 0, None, "0.000001"),
        ("12,345,678", 2, 0, "1234567800"),
        ("25,00", 2, 0, "2500"),
        ("1,5", 2, 0, "150"),
        ("1234,56", 2, 0, "123456"),
        ("0,25", 2, 0, "25"),
        ("1,234", 2, 0, "123400"),
    ],
)
def test_what_people_write_is_stored_exactly(text: str, minor_digits: int, places: int | None, stored: str) -> None:
    assert parse_money(text, minor_digits=minor_digits, places=places) == Decimal(stored)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-5",
        "+5",
        "25,0,0",
        "1.234,5",
        ",5",
        "1.2.3",
        "1e3",
        "0x10",
        "25.001",
        "NaN",
        "Infinity",
        "٢٥",
        ".5",
        "5.",
        "1_000",
    ],
)
def test_what_could_be_meant_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Write it like|decimals"):
        parse_money(text, minor_digits=2, places=0)
