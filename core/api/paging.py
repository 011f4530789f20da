"""Metronome's four paging styles over one keyset.

Q: limit and next_page in the query, even on POST; Q_NOLIMIT: only next_page; BODY: both in the JSON body; BODY_CURSOR:
`cursor` in the body and in the answer. Cursors are opaque to clients: which list it is, and the sort key of the last
row seen. They stay valid while rows are added or removed.
"""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from core.api.fields import parse_limit
from core.errors import InvalidInput
from core.exact_json import dumps, loads

M = TypeVar("M", bound=Model)


class Style(Enum):
    """Where limit and cursor stand."""

    Q = "Q"
    Q_NOLIMIT = "Q_NOLIMIT"
    BODY = "BODY"
    BODY_CURSOR = "BODY_CURSOR"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What the caller asked for. `after` is what the cursor holds, `field` the name it came under."""

    limit: int
    after: tuple[Any, ...] | None
    field: str = "next_page"


def page_request(
    request: Request, style: Style = Style.Q, *, maximum: int = 100, default: int | None = None
) -> PageRequest:
    """Reads limit and cursor in `style`; a limit above `maximum` means the maximum.

    Raises InvalidInput for what is no limit, or no cursor of this list.
    """
    in_body = style in (Style.BODY, Style.BODY_CURSOR)
    source: Any = request.data if in_body else request.query_params
    field = "cursor" if style is Style.BODY_CURSOR else "next_page"
    asked = source.get("limit") if style is not Style.Q_NOLIMIT else None
    try:
        limit = (default or maximum) if asked is None else min(parse_limit(asked), maximum)
    except ValueError as error:
        raise InvalidInput(str(error), field="limit") from error
    cursor = source.get(field)
    return PageRequest(limit, None if cursor in (None, "") else decode(cursor, field), field)


def encode(key: Sequence[Any]) -> str:
    """A sort key as an opaque cursor."""
    parts = [{"t": part.isoformat()} if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(dumps(parts)).decode().rstrip("=")


def decode(cursor: Any, field: str = "next_page") -> tuple[Any, ...]:
    """The sort key in a cursor. Raises InvalidInput for anything that `encode` did not make."""
    if not isinstance(cursor, str) or len(cursor) > 2000:
        raise foreign(field)
    try:
        parts = loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        key = tuple(datetime.fromisoformat(part["t"]) if isinstance(part, dict) else part for part in parts)
    except (ValueError, KeyError, TypeError) as error:
        raise foreign(field) from error
    if not isinstance(parts, list) or not key or not all(_is_key(part) for part in key):
        raise foreign(field)
    return key


def foreign(field: str) -> InvalidInput:
    """The one refusal of cursors that are not of this list."""
    return InvalidInput("not a cursor that this list gave out", field=field)


def _is_key(part: Any) -> bool:
    if isinstance(part, datetime):
        return part.tzinfo is not None
    return isinstance(part, str | int) and not isinstance(part, bool)


def paginate(
    rows: QuerySet[M], page: PageRequest, *, order: Sequence[str] = ("-created_at", "-id")
) -> tuple[list[M], str | None]:
    """One page of `rows` in `order` (a total order of attributes, `-` for descending) and the next cursor, if any.

    Raises InvalidInput for the cursor of another list, or of this one in another order.
    """
    name = zlib.crc32(" ".join([rows.model._meta.label, *order]).encode())
    rows = rows.order_by(*order)
    if page.after is not None:
        if page.after[0] != name:
            raise foreign(page.field)
        rows = rows.filter(_beyond(rows.model, order, page.after[1:], page.field))
    found = list(rows[: page.limit + 1])
    if len(found) <= page.limit:
        return found, None
    last = found[page.limit - 1]
    return found[: page.limit], encode([name, *(getattr(last, attribute.lstrip("-")) for attribute in order)])


def _beyond(model: type[Model], order: Sequence[str], after: Sequence[Any], field: str) -> Q:
    if len(after) != len(order):
        raise foreign(field)
    condition, equal = Q(), Q()
    for name, part in zip(order, after, strict=True):
        attribute = name.lstrip("-")
        column: Any = model._meta.get_field(attribute)
        try:
            value = column.to_python(part)
        except (ValidationError, TypeError, ValueError) as error:
            raise foreign(field) from error
        condition |= equal & Q(**{f"{attribute}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal &= Q(**{attribute: value})
    return condition
