"""How the back office writes amounts, instants, periods and states. Everything is escaped; every time is UTC."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.money_format import abridge, format_money, format_quantity

DASH: Final = "\N{EN DASH}"
NONE: Final = DASH
LONGEST_FRACTION: Final = 6
"""Decimals shown of an exact amount in a table; the explanation has them all."""


class Unit(Protocol):
    """A pricing unit: `catalog.CreditType` or the plain view of one. `code` is empty for units that are no currency."""

    name: str
    code: str
    places: int
    minor_digits: int


def unit_code(unit: Any) -> str:
    """What stands beside a figure: the currency's code, else the unit's name."""
    return str(unit.code or unit.name)


def money_text(amount: Decimal | None, unit: Any, *, decimals: int | None = LONGEST_FRACTION) -> str:
    """The figure and its unit as plain text: "1,234.56 USD". `amount` in the unit's stored scale (cents for USD)."""
    return NONE if amount is None else f"{figure(amount, unit, decimals=decimals)} {unit_code(unit)}"


def money(amount: Decimal | None, unit: Any, *, decimals: int | None = LONGEST_FRACTION) -> SafeString:
    """The same with the unit small beside the figure."""
    if amount is None:
        return format_html('<span class="bo-none">{}</span>', NONE)
    return format_html(
        '<span class="bo-money">{} <small>{}</small></span>', figure(amount, unit, decimals=decimals), unit_code(unit)
    )


def figure(amount: Decimal, unit: Any, *, decimals: int | None = None) -> str:
    """The figure alone, cut after `decimals` if it has more; the currency's own decimals always stay."""
    whole = format_money(amount, unit.minor_digits, unit.places)
    return whole if decimals is None else abridge(whole, max(decimals, unit.minor_digits + unit.places, 1))


def quantity(value: Decimal | None) -> str:
    """A quantity, grouped, with its own decimals."""
    return NONE if value is None else abridge(format_quantity(value), LONGEST_FRACTION)


def day(at: date) -> str:
    """ "3 Nov 2025" """
    return f"{at.day} {at:%b %Y}"


def instant_text(at: datetime | None) -> str:
    """ "3 Nov 2025, 14:05", UTC"""
    return NONE if at is None else f"{day(at)}, {at:%H:%M}"


def instant(at: datetime | None) -> SafeString:
    """An instant, with its exact text for machines and on hover."""
    if at is None:
        return format_html('<span class="bo-none">{}</span>', NONE)
    exact = f"{at:%Y-%m-%d %H:%M:%S}"
    return format_html(
        '<time class="bo-time" datetime="{}" title="{} UTC">{}</time>', at.isoformat(), exact, instant_text(at)
    )


def day_only(at: datetime | None) -> SafeString:
    """An instant in a narrow column: its day, the time on hover."""
    if at is None:
        return instant(None)
    return format_html(
        '<time class="bo-time" datetime="{}" title="{} UTC">{}</time>', at.isoformat(), instant_text(at), day(at)
    )


def instant_exact(at: datetime | None) -> SafeString | str:
    """The same to the second, for events."""
    if at is None:
        return NONE
    return format_html('<time class="bo-time" datetime="{}">{}, {}</time>', at.isoformat(), day(at), f"{at:%H:%M:%S}")


def period_text(start: datetime, end: datetime) -> str:
    """The half-open `[start, end)` as people say it: "1-30 Nov 2025" (with a dash of its own).

    With hours where it does not run from midnight to midnight.
    """
    if start == end:
        return day(start)
    if start.time() != datetime.min.time() or end.time() != datetime.min.time():
        return f"{instant_text(start)} {DASH} {instant_text(end)}"
    last = end - timedelta(days=1)
    if last.date() == start.date():
        return day(start)
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day}{DASH}{day(last)}"
    if start.year == last.year:
        return f"{start.day} {start:%b} {DASH} {day(last)}"
    return f"{day(start)} {DASH} {day(last)}"


def period(start: datetime, end: datetime) -> SafeString:
    """A period with its exact bounds on hover."""
    bounds = f"from {start:%Y-%m-%d %H:%M} until {end:%Y-%m-%d %H:%M} UTC"
    return format_html('<span class="bo-nowrap" title="{}">{}</span>', bounds, period_text(start, end))


def badge(text: str, tone: str = "") -> SafeString:
    """A state in a word. `tone`: ok, warn, bad, info or nothing."""
    return format_html('<span class="bo-badge {}">{}</span>', f"bo-{tone}" if tone else "", text)


def link(url: str, text: Any, css: str = "bo-link") -> SafeString:
    """A link inside a cell."""
    return format_html('<a class="{}" href="{}">{}</a>', css, url, text)


def code(text: Any) -> SafeString:
    """An id or another word of the machine."""
    return format_html('<code class="bo-code">{}</code>', text)


def short_id(value: Any) -> SafeString:
    """The beginning of a long id, whole on hover."""
    text = str(value)
    return format_html('<code class="bo-code" title="{}">{}…</code>', text, text[:8])


def ago(at: datetime | None, now: datetime) -> str:
    """How long before `now`: "12 s ago", "3 h ago", "5 days ago"."""
    if at is None:
        return "never"
    seconds = max(0, int((now - at).total_seconds()))
    for size, word in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'s' if word == 'day' and count != 1 else ''} ago"
    return f"{seconds} s ago"
