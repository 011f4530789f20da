"""The HTML of the back office's cells: amounts, instants, periods, states, ids. Everything is escaped; times are UTC.

What they say is `presentation.formatting`'s; here it gets its tag, its class and what is shown on hover.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from presentation import formatting
from presentation.formatting import COLUMN_DECIMALS, DASH, Unit


def money(amount: Decimal | None, unit: Unit, *, decimals: int | None = COLUMN_DECIMALS) -> SafeString:
    """An amount in the unit's stored scale (cents for USD), with the unit small beside the figure.

    Digits below the smallest coin are small as well, and cut after `decimals`; all of them are there on hover.
    """
    if amount is None:
        return _none()
    shown, code = formatting.exact(amount, unit, decimals=decimals), formatting.unit_code(unit)
    if not shown.tail:
        return format_html('<span class="bo-money">{} <small>{}</small></span>', shown.figure, code)
    return format_html(
        '<span class="bo-money" title="{}">{}<span class="bo-tail">{}</span> <small>{}</small></span>',
        formatting.figure(amount, unit), shown.figure, shown.tail, code,
    )  # fmt: skip


def quantity(value: Decimal | None) -> str:
    """A quantity for a column."""
    return formatting.quantity(value, decimals=COLUMN_DECIMALS)


def instant(at: datetime | None) -> SafeString:
    """An instant, with its exact text for machines and on hover."""
    if at is None:
        return _none()
    exact = f"{at:%Y-%m-%d %H:%M:%S}"
    return format_html(
        '<time class="bo-time" datetime="{}" title="{} UTC">{}</time>', at.isoformat(), exact, formatting.instant(at)
    )


def day_only(at: datetime | None) -> SafeString:
    """An instant in a narrow column: its day, the time on hover."""
    if at is None:
        return _none()
    return format_html(
        '<time class="bo-time" datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(),
        formatting.instant(at),
        formatting.day(at),
    )


def instant_exact(at: datetime | None) -> SafeString | str:
    """The same to the second, for events."""
    if at is None:
        return DASH
    return format_html(
        '<time class="bo-time" datetime="{}">{}, {}</time>', at.isoformat(), formatting.day(at), f"{at:%H:%M:%S}"
    )


def period(start: datetime, end: datetime) -> SafeString:
    """A period with its exact bounds on hover."""
    bounds = f"from {start:%Y-%m-%d %H:%M} until {end:%Y-%m-%d %H:%M} UTC"
    return format_html('<span class="bo-nowrap" title="{}">{}</span>', bounds, formatting.period(start, end))


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


def _none() -> SafeString:
    return format_html('<span class="bo-none">{}</span>', DASH)
