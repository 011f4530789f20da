"""Prices in words: what each unit costs, as rows of a table, as a label, and how one price differs from another."""

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from engine.money import EXACT, ZERO, add
from engine.prices import Custom, Flat, Package, Percentage, Price, Tier, TieredPercentage, Volume, kind
from presentation import markup
from presentation.formatting import MINUS, Unit, abridge_quotient, figure, format_quantity, quantity

PriceRows = tuple[tuple[str, SafeString], ...]
"""(units, price) pairs; without units where one price is for all."""

_TENTH = Decimal("0.1")


def tier_units(start: Decimal, size: Decimal | None) -> str:
    """Which units of a billing period a graduated tier is for: "first 10,000", "next 5,000", "above 15,000", "all"."""
    if size is None:
        return f"above {quantity(start)}" if start else "all"
    return f"{'next' if start else 'first'} {quantity(size)}"


def tier_name(level: int, start: Decimal, size: Decimal | None) -> str:
    """A graduated tier by its number: "Tier 1: first 10,000", "Tier 2: over 10,000 to 50,000"; `level` is from 0."""
    if size is None:
        return f"Tier {level + 1}: over {quantity(start)}" if start else f"Tier {level + 1}: all units"
    if not start:
        return f"Tier {level + 1}: first {quantity(size)}"
    return f"Tier {level + 1}: over {quantity(start)} to {quantity(add(start, size))}"


def percentage(fraction: Decimal) -> str:
    """A fraction in percent, with every digit: 0.1 -> "10 %"."""
    return f"{abridge_quotient(format_quantity(fraction.scaleb(2, context=EXACT)))} %"


def price_rows(price: Price, unit: Unit, *, program: str = "") -> PriceRows:
    """Any kind of price as rows of a table, exact. `program`: the terms of a CUSTOM price."""
    if isinstance(price, Custom):
        return (("a program's:", format_html("<code>{}</code>", program)),)
    if isinstance(price, Package):
        return ((f"per {quantity(price.size)}, each started", _cost(price, price.price, unit)),)
    if isinstance(price, Flat):
        return (("", _cost(price, price.price, unit)),)
    found = []
    start = ZERO
    for tier in price.tiers:
        units = _volume_units(start, tier.size) if isinstance(price, Volume) else tier_units(start, tier.size)
        found.append((units, _cost(price, tier.price, unit)))
        start = add(start, tier.size or ZERO)
    return tuple(found)


def price_label(price: Price, unit: Unit) -> str:
    """A price as a label: the figure, or what kind it is."""
    if isinstance(price, Custom):
        return "custom"
    if isinstance(price, Percentage):
        return percentage(price.price)
    if isinstance(price, Package):
        return f"{figure(price.price, unit)} per {quantity(price.size)}"
    return figure(price.price, unit) if isinstance(price, Flat) else f"{len(price.tiers)} tiers"


def price_change(before: Price, after: Price) -> str:
    """How a price differs: "+12.5 %", "-10 % to +5 %" over tiers, "no longer free", "other tiers"; "" if not."""
    if kind(before) != kind(after):
        return "other kind of price"
    old, new = _each(before), _each(after)
    if [tier.size for tier in old] != [tier.size for tier in new]:
        return "other tiers"
    if isinstance(before, Package) and isinstance(after, Package) and before.size != after.size:
        return "other blocks"
    changes: list[Decimal] = []
    said: list[str] = []
    for one, two in zip(old, new, strict=True):
        if one.price == two.price or one.price:
            changes.append((two.price - one.price) * 100 / one.price if one.price else ZERO)
            said.append(_signed_percent(changes[-1]))
        else:
            said.append("no longer free")
    if len(changes) < len(said):
        return " / ".join(dict.fromkeys(said))
    low, high = min(changes), max(changes)
    if low == high:
        return _signed_percent(low) if low else ""
    return f"{_signed_percent(low)} to {_signed_percent(high)}"


def _each(price: Price) -> tuple[Tier, ...]:
    return (Tier(None, price.price),) if isinstance(price, Flat | Package) else price.tiers


def _volume_units(start: Decimal, size: Decimal | None) -> str:
    return f"all, up to {quantity(add(start, size))}" if size is not None else "all, if more"


def _cost(price: Price, each: Decimal, unit: Unit) -> SafeString:
    if isinstance(price, Percentage | TieredPercentage):
        return format_html("{}", percentage(each))
    return markup.money(each, unit, decimals=None)


def _signed_percent(value: Decimal) -> str:
    if not value:
        return "0 %"
    sign = "+" if value > 0 else MINUS
    size = abs(value)
    if size < _TENTH:
        return f"{sign}<0.1 %"
    return f"{sign}{quantity(size.quantize(_TENTH).normalize() + 0)} %"
