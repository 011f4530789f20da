"""A price as it is stored in JSON, and on its way to the engine and to the wire.

Stored: {"rate_type", "price", "tiers": [{"size", "price"}], "minimum", "package_size", "custom_rate"}, decimals as
text, `custom_rate` as JSON text, keys that the type does not use left out. VOLUME and PACKAGE, and the field
`package_size`, are Tactus's own.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.exact_json import loads
from engine.errors import InvalidTerms
from engine.money import ONE, plain
from engine.prices import Custom, Flat, Package, Percentage, Price, Tier, TieredPercentage, kind, price_from

RATE_TYPES = ("FLAT", "TIERED", "PERCENTAGE", "TIERED_PERCENTAGE", "SUBSCRIPTION", "VOLUME", "PACKAGE", "CUSTOM")
PERCENTAGES = ("PERCENTAGE", "TIERED_PERCENTAGE")


def stored_price(
    rate_type: str,
    *,
    price: Decimal | None = None,
    tiers: Sequence[tuple[Decimal | None, Decimal]] = (),
    minimum: Decimal | None = None,
    package_size: Decimal | None = None,
) -> dict[str, Any]:
    """A price as it is stored. Raises InvalidTerms, naming the API's field, for one that cannot be."""
    found: dict[str, Any] = {"rate_type": rate_type}
    if price is not None:
        found["price"] = plain(price)
    if tiers:
        found["tiers"] = [
            {"price": plain(cost)} if size is None else {"size": plain(size), "price": plain(cost)}
            for size, cost in tiers
        ]
    if minimum is not None:
        found["minimum"] = plain(minimum)
    if package_size is not None:
        found["package_size"] = plain(package_size)
    _refuse_over_100_percent(engine_price(found))
    return found


def engine_price(stored: Mapping[str, Any]) -> Price:
    """The price that the engine bills by, amounts in the stored units of its credit type. Raises InvalidTerms."""
    try:
        return price_from(
            stored["rate_type"],
            price=_decimal(stored.get("price")),
            tiers=tuple(Tier(_decimal(tier.get("size")), Decimal(tier["price"])) for tier in stored.get("tiers", ())),
            minimum=_decimal(stored.get("minimum")),
            size=_decimal(stored.get("package_size")),
        )
    except InvalidTerms as error:
        if error.field != "size":
            raise
        raise InvalidTerms(error.message.replace("size", "package_size"), "package_size") from error


def wire_price(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The price in the API's shape, numbers exact."""
    found: dict[str, Any] = {"rate_type": stored["rate_type"]}
    for name in ("price", "package_size"):
        if name in stored:
            found[name] = Decimal(stored[name])
    if "tiers" in stored:
        found["tiers"] = [
            {name: Decimal(text) for name, text in tier.items() if text is not None} for tier in stored["tiers"]
        ]
    if "minimum" in stored:
        found["minimum_config"] = {"minimum": Decimal(stored["minimum"])}
    if "custom_rate" in stored:
        found["custom_rate"] = loads(stored["custom_rate"].encode())
    return found


def wire_of(price: Price) -> dict[str, Any]:
    """An engine's price in the API's shape; a CUSTOM one without its terms, which the engine does not know."""
    stored: dict[str, Any] = {"rate_type": kind(price)}
    if isinstance(price, Flat | Package):
        if not isinstance(price, Custom):
            stored["price"] = plain(price.price)
    else:
        stored["tiers"] = [
            {"size": None if tier.size is None else plain(tier.size), "price": plain(tier.price)}
            for tier in price.tiers
        ]
    if isinstance(price, Package):
        stored["package_size"] = plain(price.size)
    if isinstance(price, Percentage | TieredPercentage) and price.minimum is not None:
        stored["minimum"] = plain(price.minimum)
    return wire_price(stored)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _refuse_over_100_percent(price: Price) -> None:
    """A percentage is a fraction: 10 where 10 % was meant would bill a hundredfold."""
    if isinstance(price, Percentage) and price.price > ONE:
        raise InvalidTerms("a percentage is a fraction of at most 1 (0.1 is 10 %)", "price")
    if isinstance(price, TieredPercentage) and any(tier.price > ONE for tier in price.tiers):
        raise InvalidTerms("a percentage is a fraction of at most 1 (0.1 is 10 %)", "tiers.price")
