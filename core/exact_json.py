"""JSON in and out without losing a digit: fractions are read as Decimal, Decimals leave as plain JSON numbers."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any, NoReturn

import msgspec

from engine.money import plain

MAX_DEPTH = 32
MAX_DIGITS = 60
MAX_EXPONENT = 60
_CONTROL = re.compile("[\x00\ud800-\udfff]")
_BAD_TEXT = "text holds a NUL or an unpaired surrogate"
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


class BadJson(ValueError):
    """The text is not JSON that Tactus accepts; the message says why."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands in `loads_marked` where there is JSON that Tactus does not accept; the message says why.

    An object in which `key` stands twice keeps its keys and values in `pairs`.
    """

    message: str
    key: str = ""
    pairs: tuple[tuple[str, Any], ...] = ()


_PLAIN = {int, Decimal, bool, type(None)}


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
        raise BadJson(_repeated(pairs).message)
    return found


def _unique_or_flaw(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Flaw:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _repeated(pairs)


def _repeated(pairs: list[tuple[str, Any]]) -> Flaw:
    twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
    return Flaw(f"the key {twice[:80]!r} stands twice in one object", twice, tuple(pairs))


def _or_flaw(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def marked(text: str) -> Any:
        try:
            return read(text)
        except BadJson as error:
            return Flaw(str(error))

    return marked


def loads(body: bytes) -> Any:
    """Parses UTF-8 JSON strictly: no NaN, duplicate keys, NUL or lone surrogate; bounded depth and digits.

    Raises BadJson.
    """
    value = _parse(body, parse_float=parse_number, parse_int=_integer, object_pairs_hook=_unique)
    check(value)
    return value


def loads_marked(body: bytes) -> Any:
    """The same, with a `Flaw` for each number out of range and each object with a repeated key; bad texts stay.

    `find_flaw` finds any of these. Raises BadJson for what is no JSON, or nested too deeply.
    """
    value = _parse(
        body,
        parse_float=_or_flaw(parse_number),
        parse_int=_or_flaw(_integer),
        object_pairs_hook=_unique_or_flaw,
    )
    check(value, depth_only=True)
    return value


def find_flaw(value: Any) -> Flaw | None:
    """The first flaw in a value from `loads_marked`."""
    if isinstance(value, Flaw):
        return value
    if isinstance(value, str):
        return Flaw(_BAD_TEXT) if _CONTROL.search(value) else None
    if isinstance(value, dict | list):
        for inner in chain(value, value.values()) if isinstance(value, dict) else value:
            if type(inner) not in _PLAIN and (flaw := find_flaw(inner)):
                return flaw
    return None


def _parse(body: bytes, **hooks: Any) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJson("the body is not UTF-8") from error
    if text.startswith("\ufeff"):
        raise BadJson("the body begins with a byte order mark")
    try:
        return json.loads(text, parse_constant=_refuse, **hooks)
    except RecursionError as error:
        raise BadJson(_TOO_DEEP) from error
    except json.JSONDecodeError as error:
        raise BadJson(f"not valid JSON: {error.msg} at character {error.pos}") from error


def check(value: Any, *, depth_only: bool = False) -> None:
    """Refuses text that PostgreSQL cannot store and nesting beyond `MAX_DEPTH`. Raises BadJson."""
    level: Iterable[Any] = (value,)
    for _ in range(MAX_DEPTH + 1):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if not depth_only and _CONTROL.search(item):
                    raise BadJson(_BAD_TEXT)
            elif isinstance(item, dict):
                deeper.extend(item.keys())
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
            elif isinstance(item, Flaw):
                deeper.extend(chain.from_iterable(item.pairs))
        if not deeper:
            return
        level = deeper
    raise BadJson(_TOO_DEEP)


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
_SORTED = msgspec.json.Encoder(decimal_format="number", order="sorted")
_EXPONENT = re.compile(rb"\dE[+-]\d")
_WITH_EXPONENT = re.compile(rb"-?\d+(?:\.\d+)?E[+-]\d+")


def dumps(value: Any) -> bytes:
    """UTF-8 JSON of plain data, dataclasses, UUIDs, aware datetimes (RFC 3339, `Z`) and Decimals.

    Decimals are exact JSON numbers in plain notation: nobody has to know what `1E+2` is.
    """
    body = _ENCODER.encode(value)
    # A number, or a text that looks like one. Without escapes, quotation marks say what stands between texts.
    if _EXPONENT.search(body) is None:
        return body
    if b"\\" in body:
        return _ENCODER.encode(plain_data(value, lambda number: msgspec.Raw(plain(number).encode())))
    parts = body.split(b'"')
    parts[::2] = [_WITH_EXPONENT.sub(_in_plain_notation, part) if b"E" in part else part for part in parts[::2]]
    return b'"'.join(parts)


def _in_plain_notation(number: re.Match[bytes]) -> bytes:
    return plain(Decimal(number[0].decode())).encode()


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
