"""Amounts and quantities as people read them: grouped by thousands, exact, never rounded here.

The one place that turns a stored amount (domain.md 3.16: US cents, whole units of every other currency) into a
person's figure. Console, back office, PDF and e-mail use it, so that one amount reads the same everywhere.
"""

import re
from decimal import Decimal
from typing import Final

from engine.money import EXACT, plain

ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
_WRITTEN: Final = re.compile(r"(?P<whole>[0-9]{1,20}|[0-9]{1,3}(,[0-9]{3}){1,6})(\.(?P<fraction>[0-9]{1,20}))?")


def format_money(amount: Decimal, minor_digits: int, places: int) -> str:
    """The figure of `amount`, given in a credit type's stored unit: 24736 cents -> "247.36".

    `minor_digits` and `places` are the credit type's own: a person's figure is stored amount / 10**minor_digits, and
    `places` counts the decimals of the smallest unit *as stored* (USD: 2 and 0; EUR: 0 and 2; JPY: 0 and 0). At least
    the smallest unit's decimals are shown, and more where the amount has them: prices of a fraction of a cent and
    exact line totals stay exact. Without unit, because its place differs from page to page. Raises ValueError for a
    number that is not finite.
    """
    if not amount.is_finite():
        raise ValueError(f"not an amount: {amount}")
    return _grouped(amount.scaleb(-minor_digits, context=EXACT), minor_digits + places)


def format_quantity(quantity: Decimal) -> str:
    """A quantity with its own decimals and no trailing zeros: 1234567.50 -> "1,234,567.5".

    Raises ValueError for a number that is not finite.
    """
    if not quantity.is_finite():
        raise ValueError(f"not a quantity: {quantity}")
    return _grouped(quantity, 0)


def abridge(figure: str, decimals: int) -> str:
    """`figure` as formatted above, its decimals cut after `decimals` (at least 1) with an ellipsis to say so.

    For columns of limited width: a quotient such as 1/3 has 50 decimals. Cut, not rounded: what is shown is true.
    """
    whole, _, fraction = figure.partition(".")
    return figure if len(fraction) <= decimals else f"{whole}.{fraction[:decimals]}{ELLIPSIS}"


def _grouped(value: Decimal, least_decimals: int) -> str:
    whole, _, fraction = plain(value).partition(".")
    # The sign apart, because the whole part of -0.5 is 0.
    sign = "-" if whole.startswith("-") else ""
    fraction = fraction.ljust(least_decimals, "0")
    return f"{sign}{int(whole.removeprefix('-')):,}" + (f".{fraction}" if fraction else "")


def parse_money(text: str, *, minor_digits: int, places: int | None) -> Decimal:
    """What a person wrote ("1,234.50") in the credit type's stored unit: "25.00" dollars -> 2500 cents. Exact.

    Commas group thousands and nothing else. `places` as above; None for units that may be split at will. Raises
    ValueError, in words for that person.
    """
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise ValueError("Write it like 25 or 1,234.50.")
    fraction = written["fraction"] or ""
    if places is not None and len(fraction.rstrip("0")) > minor_digits + places:
        raise ValueError(f"Has more than {minor_digits + places} decimals.")
    return Decimal(f"{written['whole'].replace(',', '')}.{fraction or 0}").scaleb(minor_digits, context=EXACT)
