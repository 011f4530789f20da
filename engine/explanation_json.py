"""Explanations as they are stored: JSON-able values and back, without loss. The only reader and the only writer.

`{"kind", "version", ...}` and the dataclass's fields by name; decimals as plain text, instants as RFC 3339 in UTC,
tuples as lists. A price is `{"type", "price", "tiers", "size", "minimum"}`, with what its type has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from engine.calendar import rfc3339
from engine.explanation import Explanation
from engine.money import plain
from engine.prices import Custom, Flat, Package, Percentage, Price, TieredPercentage, computed_price, kind

_TYPES: dict[tuple[str, int], type[Explanation]] = {(str(one.kind), one.version): one for one in get_args(Explanation)}
_PRICES: tuple[type[Price], ...] = get_args(Price)


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """What an invoice stores beside a line."""
    return {"kind": str(explanation.kind), "version": explanation.version, **_encoded_fields(explanation)}


def explanation_from_json(stored: Mapping[str, Any]) -> Explanation:
    """The explanation that was stored. Raises ValueError for a kind or version that nobody knows."""
    found = _TYPES.get((stored.get("kind", ""), stored.get("version", 0)))
    if found is None:
        raise ValueError(f"no explanation of kind {stored.get('kind')} and version {stored.get('version')}")
    made: Explanation = _built(found, stored)
    return made


@dataclass(slots=True)
class StoredExplanation:
    """An explanation as it is stored: read when it is first asked for, and once, since lists of lines seldom ask."""

    json: dict[str, Any]
    _read: Explanation | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def explanation(self) -> Explanation:
        """What it says. Raises ValueError as `explanation_from_json` does."""
        if self._read is None:
            self._read = explanation_from_json(self.json)
        return self._read


def price_to_json(price: Price) -> dict[str, Any]:
    """A price with its type and the parts that the type has."""
    found: dict[str, Any] = {"type": kind(price)}
    if isinstance(price, Flat | Package):
        if not isinstance(price, Custom):
            found["price"] = plain(price.price)
    else:
        found["tiers"] = [{"size": _encoded(tier.size), "price": plain(tier.price)} for tier in price.tiers]
    if isinstance(price, Package):
        found["size"] = plain(price.size)
    if isinstance(price, Percentage | TieredPercentage) and price.minimum is not None:
        found["minimum"] = plain(price.minimum)
    return found


def price_from_json(stored: Mapping[str, Any]) -> Price:
    """The price that was stored; computed ones may have more digits than terms."""
    price, size, minimum = (_decimal(stored.get(name)) for name in ("price", "size", "minimum"))
    tiers = tuple((_decimal(tier["size"]), Decimal(tier["price"])) for tier in stored.get("tiers", ()))
    return computed_price(stored["type"], price=price, tiers=tiers, minimum=minimum, size=size)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _encoded_fields(value: Any) -> dict[str, Any]:
    cls: type = type(value)
    return {name: _encoded(getattr(value, name)) for name in _names(cls)}


def _encoded(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, tuple):
        return [_encoded(one) for one in value]
    return price_to_json(value) if isinstance(value, _PRICES) else _encoded_fields(value)


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(cls))


def _built(cls: type, stored: Mapping[str, Any]) -> Any:
    return cls(**{name: decode(stored[name]) for name, decode in _decoders(cls).items()})


@cache
def _decoders(cls: type) -> dict[str, Callable[[Any], Any]]:
    hints = get_type_hints(cls)
    return {name: _decoder(hints[name]) for name in _names(cls)}


def _decoder(hint: Any) -> Callable[[Any], Any]:
    """How a field of this type is read."""
    if hint == Price:
        return price_from_json
    if get_origin(hint) is tuple:
        each = _decoder(get_args(hint)[0])
        return lambda value: tuple(each(one) for one in value)
    some = [one for one in get_args(hint) if one is not type(None)]
    if some:
        inner = _decoder(some[0])
        return lambda value: None if value is None else inner(value)
    if hint is datetime:
        return datetime.fromisoformat
    if hint is Decimal or issubclass(hint, StrEnum):
        read: Callable[[Any], Any] = hint
        return read
    cls: type = hint
    return (lambda value: _built(cls, value)) if is_dataclass(cls) else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
