"""Metronome's four paging styles over one keyset: `Q` (limit and next_page in the query, even on POST), `Q_NOLIMIT` (only next_page), `BODY`
(both in the JSON body), `BODY_CURSOR` (`cursor` in the body and in the answer).

Cursors are opaque to clients: the sort key of the last row seen. They stay valid while rows are added or removed.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from core.errors import InvalidInput

M = TypeVar("M", bound=Model)


class Style(Enum):
    Q = "Q"
    Q_NOLIMIT = "Q_NOLIMIT"
    BODY = "BODY"
    BODY_CURSOR = "BODY_CURSOR"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What the caller asked for. `after` is the sort key of the last row seen, `field` the name its cursor came under."""

    limit: int
    after: tuple[Any, ...] | None
    field: str = "next_page"


def page_request(
    request: Request, style: Style = Style.Q, *, maximum: int = 100, default: int | None = None
) -> PageRequest:
    """Reads limit and cursor in `style`. Raises InvalidInput for a limit outside 1..maximum or a cursor that is not ours."""
    in_body = style in (Style.BODY, Style.BODY_CURSOR)
    source: Any = request.data if in_body else request.query_params
    field = "cursor" if style is Style.BODY_CURSOR else "next_page"
    limit = default or maximum
    asked = source.get("limit") if style is not Style.Q_NOLIMIT else None
    if asked is not None:
        text = str(asked)
        if isinstance(asked, bool) or not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= maximum):
            raise InvalidInput(f"must be a whole number from 1 to {maximum}", field="limit")
        limit = int(text)
    cursor = source.get(field)
    return PageRequest(limit, decode(cursor, field) if cursor else None, field)


def encode(key: Sequence[Any]) -> str:
    """A sort key as an opaque cursor."""
    parts = [{"t": v.isoformat()} if isinstance(v, datetime) else str(v) if isinstance(v, UUID) else v for v in key]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: Any, field: str = "next_page") -> tuple[Any, ...]:
    """The sort key in a cursor. Raises InvalidInput for anything that `encode` did not make."""
    try:
        if not isinstance(cursor, str) or len(cursor) > 2000:
            raise ValueError
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list) or not parts:
            raise ValueError
        key = tuple(datetime.fromisoformat(p["t"]) if isinstance(p, dict) else p for p in parts)
        if any(not isinstance(p, str | int | datetime) or (isinstance(p, str) and "\x00" in p) for p in key):
            raise ValueError
        return key
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
        raise InvalidInput("not a cursor that this list gave out", field=field) from error


def paginate(
    rows: QuerySet[M], page: PageRequest, *, order: Sequence[str] = ("-created_at", "-id")
) -> tuple[list[M], str | None]:
    """One page of `rows` in `order` (a total order of attributes, `-` for descending) and the next cursor, None at the end."""
    rows = rows.order_by(*order)
    if page.after is not None:
        rows = rows.filter(_beyond(rows.model, order, page))
    found = list(rows[: page.limit + 1])
    if len(found) <= page.limit:
        return found, None
    last = found[page.limit - 1]
    return found[: page.limit], encode([getattr(last, name.lstrip("-")) for name in order])


def _beyond(model: type[Model], order: Sequence[str], page: PageRequest) -> Q:
    after = page.after or ()
    if len(after) != len(order):
        raise InvalidInput("not a cursor that this list gave out", field=page.field)
    condition, equal = Q(), Q()
    for name, value in zip(order, after, strict=True):
        attribute = name.lstrip("-")
        field: Any = model._meta.get_field(attribute)
        try:
            value = field.to_python(value)
        except (ValidationError, TypeError, ValueError) as error:
            raise InvalidInput("not a cursor that this list gave out", field=page.field) from error
        condition |= equal & Q(**{f"{attribute}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal &= Q(**{attribute: value})
    return condition
