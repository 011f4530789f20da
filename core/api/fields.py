"""Serializer fields that refuse what Django REST framework lets through, such as NaN or a time without an offset."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.documented import DOCUMENTED
from core.errors import InvalidInput

UNSUPPORTED = "is not supported by this version of Tactus"
NOTHING: tuple[Any, ...] = (None, [], {}, "")
"""What a field may hold that asks for nothing."""
_RFC3339 = re.compile(r"\A\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})\Z", re.ASCII)
_DECIMAL = re.compile(r"\A-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?\Z", re.ASCII)
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def parse_instant(text: Any) -> datetime:
    """An RFC 3339 date-time with its offset, as UTC; fractions beyond microseconds are cut off.

    Raises ValueError with the reason.
    """
    if not isinstance(text, str) or not _RFC3339.match(text):
        raise ValueError("must be an RFC 3339 date-time with an offset, like 2026-01-31T00:00:00Z")
    normal = text.upper().replace("Z", "+00:00")
    normal = re.sub(r"(\.\d{6})\d+", r"\1", normal)
    try:
        value = datetime.fromisoformat(normal).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not a date-time that exists") from error
    if not _EARLIEST <= value < _LATEST:
        raise ValueError("is out of range")
    return value


def parse_decimal(value: Any) -> Decimal:
    """An exact, finite number from a JSON number or a plain decimal string. Raises ValueError with the reason."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("must be a number")  # noqa: TRY004 - said to the caller, like the others
    text = str(value)
    if isinstance(value, str) and not _DECIMAL.match(text):
        raise ValueError("must be a plain decimal number")
    number = Decimal(text)
    if not number.is_finite() or number.adjusted() > 30 or len(number.as_tuple().digits) > 60:
        raise ValueError("is out of range")
    return number


def parse_limit(asked: Any) -> int:
    """Rows a page, from 1 on: a whole JSON number, or its digits. Raises ValueError with the reason."""
    if isinstance(asked, Decimal) and asked == asked.to_integral_value():
        asked = int(asked)  # the SDK sends some limits as 20.0
    text = str(asked)
    if isinstance(asked, bool) or not (text.isascii() and text.isdigit()) or not text.strip("0"):
        raise ValueError("must be a whole number from 1 on")
    return int(text) if len(text) <= 9 else 10**9


class PlainField(serializers.Field):
    """A field whose values leave as they are: the renderer writes them exactly."""

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string", "format": "date-time"})
class InstantField(PlainField):
    """RFC 3339 with an offset; `hour=True` wants it on the hour, `midnight=True` at 00:00 UTC."""

    def __init__(self, *, hour: bool = False, midnight: bool = False, **kwargs: Any) -> None:
        self.hour, self.midnight = hour, midnight
        if hour or midnight:
            kwargs.setdefault("help_text", "On the hour." if hour else "At midnight UTC.")
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        try:
            value = parse_instant(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error
        if self.hour and value != value.replace(minute=0, second=0, microsecond=0):
            raise serializers.ValidationError("must be on the hour")
        if self.midnight and value != value.replace(hour=0, minute=0, second=0, microsecond=0):
            raise serializers.ValidationError("must be at midnight UTC")
        return value


@extend_schema_field({"type": "number"})
class ExactField(PlainField):
    """An exact decimal, bounded by `minimum` and `maximum` where given."""

    def __init__(
        self, *, minimum: int | None = None, maximum: int | None = None, above: int | None = None, **kwargs: Any
    ) -> None:
        self.minimum, self.maximum, self.above = minimum, maximum, above
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        try:
            value = parse_decimal(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error
        if self.minimum is not None and value < self.minimum:
            raise serializers.ValidationError(f"must be {self.minimum} or more")
        if self.maximum is not None and value > self.maximum:
            raise serializers.ValidationError(f"must be {self.maximum} or less")
        if self.above is not None and value <= self.above:
            raise serializers.ValidationError(f"must be more than {self.above}")
        return value


@extend_schema_field({"type": "integer"})
class WholeField(PlainField):
    """A JSON integer within bounds; booleans, strings and fractions are refused."""

    def __init__(self, *, minimum: int = 0, maximum: int = 2**31 - 1, **kwargs: Any) -> None:
        self.minimum, self.maximum = minimum, maximum
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, Decimal) and data == data.to_integral_value():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("must be a whole number")
        if not self.minimum <= data <= self.maximum:
            raise serializers.ValidationError(f"must be from {self.minimum} to {self.maximum}")
        return data


@extend_schema_field({"type": "integer", "minimum": 1})
class LimitField(PlainField):
    """Rows a page: a JSON integer from 1 on, of which `core.api.paging.page_request` takes at most the maximum."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        try:
            return parse_limit(None if isinstance(data, str) else data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


@extend_schema_field({"type": "string"})
class TextField(PlainField):
    """A JSON string of `minimum` to `maximum` characters without control characters; kept byte for byte."""

    def __init__(self, *, maximum: int = 200, minimum: int = 1, truncate: bool = False, **kwargs: Any) -> None:
        self.maximum, self.minimum, self.truncate = maximum, minimum, truncate
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a string")
        if not data.isprintable() and any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in data):
            raise serializers.ValidationError("must not hold control characters")
        if self.truncate:
            data = data[: self.maximum]
        if not self.minimum <= len(data) <= self.maximum:
            raise serializers.ValidationError(f"must be {self.minimum} to {self.maximum} characters long")
        return data


@extend_schema_field({"type": "string", "format": "uuid"})
class IdField(PlainField):
    """An object id (UUID)."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or len(data) > 40:
            raise serializers.ValidationError("must be a UUID")
        try:
            return UUID(data)
        except ValueError as error:
            raise serializers.ValidationError("must be a UUID") from error


class WordField(PlainField):
    """One of `words`, in upper or lower case; emitted in upper case. `not_yet`: those that Metronome has besides."""

    def __init__(self, words: Iterable[str], *, not_yet: Iterable[str] = (), **kwargs: Any) -> None:
        self.words, self.not_yet = tuple(str(w) for w in words), frozenset(not_yet)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, str) and data.upper() in self.not_yet:
            raise serializers.ValidationError(UNSUPPORTED)
        try:
            return word_of(*self.words)(data if isinstance(data, str) else "")
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


@extend_schema_field({"type": "boolean"})
class FlagField(PlainField):
    """JSON true or false, nothing that merely looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false")
        return data


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class CustomFieldsField(PlainField):
    """String to string, values of at most 200 characters."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
            raise serializers.ValidationError("must be an object of strings")
        for key, value in data.items():
            if not 1 <= len(key) <= 100 or len(value) > 200:
                raise serializers.ValidationError(f"{key[:100]}: keys have at most 100 characters, values at most 200")
        return data


class Input(serializers.Serializer):
    """Base of request bodies: an object, every field of which is carried out.

    A key that is none of these fields, but that Metronome's requests have, is refused when it carries anything:
    ignoring it would bill or show something else than was asked for. Keys that nobody knows are ignored.
    """

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": ["must be a JSON object"]})
        foreign = [name for name in (data.keys() & DOCUMENTED) - self.fields.keys() if data[name] not in NOTHING]
        if foreign:
            raise serializers.ValidationError({name[:100]: [UNSUPPORTED] for name in sorted(foreign)[:10]})
        return super().to_internal_value(data)


def read_query(request: Any, **parsers: Callable[[str], Any]) -> dict[str, Any]:
    """Query parameters by name through their parsers (which raise ValueError); absent or empty ones are None.

    Raises core.errors.InvalidInput naming the parameter.
    """
    found: dict[str, Any] = {}
    for name, parse in parsers.items():
        text = request.query_params.get(name)
        if text is not None and "\x00" in text:
            raise InvalidInput("holds a NUL", field=name)
        try:
            found[name] = parse(text) if text not in (None, "") else None
        except ValueError as error:
            raise InvalidInput(str(error), field=name) from error
    return found


def csv_of(parse: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """A parser of comma-joined lists, as the SDK sends arrays in a query."""
    return lambda text: [parse(part) for part in text.split(",") if part]


def parse_flag(text: str) -> bool:
    """`true` or `false`."""
    if text.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def parse_id(text: str) -> UUID:
    """A UUID."""
    try:
        return UUID(text)
    except ValueError as error:
        raise ValueError("must be a UUID") from error


def word_of(*words: str) -> Callable[[str], str]:
    """A parser of one of `words`, in upper or lower case, as `WordField` reads them."""

    def parse(text: str) -> str:
        if text.upper() not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text.upper()

    return parse
