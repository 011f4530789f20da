"""The words of a PDF invoice: days, periods, tiers, terms; and text that is safe to set."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from core.money_format import format_quantity

EN_DASH: Final = "\N{EN DASH}"

# Directional overrides and isolates can make a name reverse the figures after it; a byte order mark is not text.
_UNPRINTABLE: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """`text` on one line, without the control characters, half surrogates and non-characters that no font can show."""
    visible = (
        char for char in _UNPRINTABLE.sub("", " ".join(text.split())) if unicodedata.category(char) not in ("Cc", "Cs")
    )
    return "".join(char for char in visible if ord(char) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(char) <= 0xFDEF)


def day(at: date) -> str:
    """A date, or the UTC day of an instant: "1 Nov 2026"."""
    utc = at.astimezone(UTC) if isinstance(at, datetime) else at
    return f"{utc.day} {utc:%b %Y}"


def minute(instant: datetime) -> str:
    """The UTC minute: "1 Nov 2026, 14:05"."""
    return f"{day(instant)}, {instant.astimezone(UTC):%H:%M}"


def period(start: datetime, end: datetime) -> str:
    """`[start, end)` in UTC as days, the last one included: "1-31 Oct 2026" (en dash). Minutes where it is not days."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if any((edge.hour, edge.minute, edge.second, edge.microsecond) != (0, 0, 0, 0) for edge in (start, end)):
        return f"{minute(start)} {EN_DASH} {minute(end)}"
    last = end - timedelta(days=1)
    if last.date() == start.date():
        return day(start)
    if (last.year, last.month) == (start.year, start.month):
        return f"{start.day}{EN_DASH}{day(last)}"
    if last.year == start.year:
        return f"{start.day} {start:%b} {EN_DASH} {day(last)}"
    return f"{day(start)} {EN_DASH} {day(last)}"


def tier(info: Mapping[str, Any]) -> str:
    """A tier as on the wire (`level` counts from 0) in words: "Tier 2: over 10,000 to 50,000"."""
    start = Decimal(str(info["starting_at"]))
    size = None if info.get("size") is None else Decimal(str(info["size"]))
    name = f"Tier {int(info['level']) + 1}"
    if size is None:
        return f"{name}: over {format_quantity(start)}" if start else f"{name}: all units"
    if not start:
        return f"{name}: first {format_quantity(size)}"
    return f"{name}: over {format_quantity(start)} to {format_quantity(start + size)}"


def terms(days: int) -> str:
    """Net payment terms in words."""
    if days == 0:
        return "on receipt"
    return f"net {days} day{'' if days == 1 else 's'}"


def pricing_unit(name: str, explanation: Mapping[str, Any]) -> str | None:
    """How a product's priced units come from what is metered; None where they are the same.

    `explanation` is `engine.explain.explanation_json`'s, or anything without its keys.
    """
    conversion, rounding = explanation.get("conversion"), explanation.get("rounding")
    parts = []
    if conversion:
        word = "multiplied" if conversion["operation"] == "MULTIPLY" else "divided"
        parts.append(f"{word} by {format_quantity(Decimal(str(conversion['factor'])))}")
    if rounding:
        parts.append(_rounding(str(rounding["method"]), int(rounding["decimal_places"])))
    if not parts:
        return None
    metric = (explanation.get("metric") or {}).get("name")
    metered = f"the metered quantity ({metric})" if metric and metric != name else "the metered quantity"
    return f"{name}: the quantity is {metered}, {' and then '.join(parts)}."


def _rounding(method: str, places: int) -> str:
    direction = {"ROUND_UP": "rounded up", "ROUND_DOWN": "rounded down"}.get(method, "rounded")
    if places > 0:
        return f"{direction} to {places} decimal{'' if places == 1 else 's'}"
    return f"{direction} to whole {'units' if places == 0 else format_quantity(Decimal(10) ** -places) + 's'}"
