"""JSON in and out without losing a digit: fractions are read as Decimal, Decimals leave as plain JSON numbers."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import msgspec

from engine.money import plain

MAX_DEPTH = 32
MAX_DIGITS = 60
MAX_EXPONENT = 60
_CONTROL = re.compile("[\x00\ud800-\udfff]")


class BadJson(ValueError):
    """The text is not JSON that Tactus accepts; the message says why."""


def parse_number(text: str) -> Decimal:
    """A JSON number with a fraction or an exponent, bounded in digits and magnitude. Raises BadJson."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise BadJson(f"number {text[:40]} is out of range") from error
    if len(value.as_tuple().digits) > MAX_DIGITS or not -MAX_EXPONENT <= value.adjusted() <= MAX_EXPONENT:
        raise BadJson(f"number {text[:40]} is out of range")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise BadJson("an integer has more digits than are accepted")
    return int(text)


def _refuse(text: str) -> NoReturn:
    raise BadJson(f"{text} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise BadJson(f"the key {twice[:80]!r} stands twice in one object")
    return found


def loads(body: bytes) -> Any:
    """Parses UTF-8 JSON strictly: no NaN, duplicate keys, NUL or lone surrogate; bounded depth and digits.

    Raises BadJson.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJson("the body is not UTF-8") from error
    if text.startswith("\ufeff"):
        raise BadJson("the body begins with a byte order mark")
    try:
        value = json.loads(
            text, parse_float=parse_number, parse_int=_integer, parse_constant=_refuse, object_pairs_hook=_unique
        )
    except RecursionError as error:
        raise BadJson(f"nested deeper than {MAX_DEPTH} levels") from error
    except json.JSONDecodeError as error:
        raise BadJson(f"not valid JSON: {error.msg} at character {error.pos}") from error
    check(value)
    return value


def check(value: Any) -> None:
    """Refuses text that PostgreSQL cannot store and nesting beyond `MAX_DEPTH`. Raises BadJson."""
    level: Iterable[Any] = (value,)
    for _ in range(MAX_DEPTH + 1):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if _CONTROL.search(item):
                    raise BadJson("text holds a NUL or an unpaired surrogate")
            elif isinstance(item, dict):
                deeper.extend(item.keys())
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
        if not deeper:
            return
        level = deeper
    raise BadJson(f"nested deeper than {MAX_DEPTH} levels")


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
_SORTED = msgspec.json.Encoder(decimal_format="number", order="sorted")
_EXPONENT = re.compile(rb"\dE[+-]\d")


def dumps(value: Any) -> bytes:
    """UTF-8 JSON of plain data, dataclasses, UUIDs, aware datetimes (RFC 3339, `Z`) and Decimals.

    Decimals are exact JSON numbers in plain notation: nobody has to know what `1E+2` is.
    """
    body = _ENCODER.encode(value)
    if _EXPONENT.search(body) is None:
        return body
    # A number, or a text that looks like one.
    return _ENCODER.encode(plain_data(value, lambda number: msgspec.Raw(plain(number).encode())))


def canonical(value: Any) -> bytes:
    """The one text of what `loads` has read: keys in order, no white space, numbers as they were spelled."""
    return _SORTED.encode(value)


def read_back(text: str) -> Any:
    """What `dumps` wrote, with every number a Decimal: it leaves again as it was."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def plain_data(value: Any, decimal: Callable[[Decimal], Any] = plain) -> Any:
    """Dictionaries, lists, texts and numbers only; each Decimal as `decimal` has it, or as plain text."""
    return _replaced(msgspec.to_builtins(value, builtin_types=(Decimal,), enc_hook=str), decimal)


def _replaced(value: Any, decimal: Callable[[Decimal], Any]) -> Any:
    if isinstance(value, Decimal):
        return decimal(value)
    if isinstance(value, dict):
        return {key: _replaced(part, decimal) for key, part in value.items()}
    return [_replaced(part, decimal) for part in value] if isinstance(value, list | tuple) else value
