"""A price as one short text that people type into a table, and back.

Amounts are a person's figures (dollars, not cents); the grammar:

    FLAT, SUBSCRIPTION     0.25
    PERCENTAGE             10 %            (or the fraction 0.1)
    TIERED, VOLUME         5 @ 0; 5 @ 1.00; rest @ 1.50
    TIERED_PERCENTAGE      1000 @ 10 %; rest @ 8 %
    PACKAGE                5 per 100       (5.00 for each block of 100 that is started)
    CUSTOM                 {"program": "p", "factor": 1.5}
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from catalog.prices import PERCENTAGES
from core.exact_json import BadJson, dumps, loads
from engine.money import EXACT, mul, plain
from presentation.formatting import with_point

MOST_TIERS = 200
CUSTOM = "CUSTOM"
TIER_TYPES = ("TIERED", "VOLUME", "TIERED_PERCENTAGE")
_NUMBER = re.compile(r"\A\d{1,45}(\.\d{1,45})?\Z", re.ASCII)
_REST = ("rest", "above", "more")


def read_number(text: str) -> Decimal:
    """A plain number, 0 or more; a decimal comma that cannot group thousands is one. Raises ValueError saying what is
    wrong.
    """
    given = with_point(text.strip())
    if _NUMBER.match(given):
        return Decimal(given)
    if given.startswith("-") and _NUMBER.match(given[1:].strip()):
        raise ValueError("must be 0 or more")
    if "," in given:
        raise ValueError(f"write {_short(given)} with a point and without grouping, like 1234.5")
    raise ValueError(f"{_short(given)} is not a plain number" if given else "is missing")


def guess_type(text: str) -> str:
    """The rate type that a price text looks like where none is named."""
    if text.lstrip().startswith("{"):
        return CUSTOM
    tiered, fraction = "@" in text, "%" in text
    if tiered:
        return "TIERED_PERCENTAGE" if fraction else "TIERED"
    if fraction:
        return "PERCENTAGE"
    return "PACKAGE" if re.search(r"\bper\b", text) else "FLAT"


def read_price(text: str, rate_type: str, minor_digits: int) -> dict[str, Any]:
    """The parts of a price as `catalog.services.NewRate` has them, in stored units. Raises ValueError."""
    found: dict[str, Any] = {"rate_type": rate_type}
    if rate_type == CUSTOM:
        found["custom_rate"] = _json_object(text)
    elif rate_type in TIER_TYPES:
        found["tiers"] = _tiers(text, rate_type, minor_digits)
    elif rate_type == "PACKAGE":
        price, _, size = text.partition("per")
        if not size:
            raise ValueError("a PACKAGE price reads like: 5 per 100")
        found["price"], found["package_size"] = _amount(price, rate_type, minor_digits), read_number(size)
    else:
        found["price"] = _amount(text, rate_type, minor_digits)
    return found


def write_price(stored: Mapping[str, Any], minor_digits: int) -> str:
    """The text of a stored price; `read_price` reads it back to the same."""
    rate_type = stored["rate_type"]
    if rate_type == CUSTOM:
        return str(stored["custom_rate"])
    if "tiers" in stored:
        return "; ".join(
            f"{tier.get('size') or 'rest'} @ {_figure(tier['price'], rate_type, minor_digits)}"
            for tier in stored["tiers"]
        )
    figure = _figure(stored["price"], rate_type, minor_digits)
    return f"{figure} per {stored['package_size']}" if "package_size" in stored else figure


def to_stored(figure: Decimal, minor_digits: int) -> Decimal:
    """A person's figure in the stored unit: 0.25 dollars are 25 cents."""
    return mul(figure, Decimal(10) ** minor_digits)


def to_figure(stored: Decimal | str, minor_digits: int) -> str:
    """A stored amount as a person's plain figure, without grouping."""
    return plain(Decimal(stored).scaleb(-minor_digits, context=EXACT))


def _tiers(text: str, rate_type: str, minor_digits: int) -> tuple[tuple[Decimal | None, Decimal], ...]:
    parts = [part for part in re.split(r"[;\n]", text) if part.strip()]
    if not parts:
        raise ValueError("is missing")
    if len(parts) > MOST_TIERS:
        raise ValueError(f"has more than {MOST_TIERS} tiers")
    tiers: list[tuple[Decimal | None, Decimal]] = []
    for number, part in enumerate(parts, 1):
        size, at, price = part.partition("@")
        if not at:
            raise ValueError("tiers read like: 5 @ 0; 5 @ 1.00; rest @ 1.50")
        try:
            limit = None if size.strip().lower() in _REST else read_number(size)
            tiers.append((limit, _amount(price, rate_type, minor_digits)))
        except ValueError as error:
            raise ValueError(f"tier {number}: {error}") from error
    return tuple(tiers)


def _json_object(text: str) -> str:
    try:
        value = loads(text.encode())
    except BadJson as error:
        raise ValueError(f"a CUSTOM price is a JSON object: {error}") from error
    if not isinstance(value, dict) or not value:
        raise ValueError("a CUSTOM price is a JSON object that is not empty")
    return dumps(value).decode()


def _amount(text: str, rate_type: str, minor_digits: int) -> Decimal:
    if rate_type not in PERCENTAGES:
        return to_stored(read_number(text), minor_digits)
    percent = text.strip().removesuffix("%")
    number = read_number(percent)
    return number.scaleb(-2, context=EXACT) if percent != text.strip() else number


def _figure(stored: str, rate_type: str, minor_digits: int) -> str:
    if rate_type in PERCENTAGES:
        return f"{plain(Decimal(stored).scaleb(2, context=EXACT))}%"
    return to_figure(stored, minor_digits)


def _short(text: str) -> str:
    return f"“{text[:40]}”"
