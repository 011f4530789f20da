"""Amounts, times and states in the back office's templates."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import template
from django.utils.safestring import SafeString

from core import display

register = template.Library()

register.filter("instant", display.instant)
register.filter("instant_exact", display.instant_exact)
register.filter("instant_text", display.instant_text)
register.filter("quantity", display.quantity)
register.filter("short_id", display.short_id)
register.simple_tag(display.period, name="period")
register.simple_tag(display.badge, name="badge")
register.simple_tag(display.ago, name="ago")


@register.simple_tag
def money(amount: Decimal | None, unit: Any, decimals: int = display.LONGEST_FRACTION) -> SafeString:
    """An amount with its unit; `decimals` at most, the rest cut with an ellipsis."""
    return display.money(amount, unit, decimals=decimals)


@register.simple_tag
def figure(amount: Decimal | None, unit: Any) -> str:
    """The figure alone, whole."""
    return display.NONE if amount is None else display.figure(amount, unit)


@register.filter
def period_text(view: Any) -> str:
    """The period of anything with `period_start` and `period_end`."""
    return display.period_text(view.period_start, view.period_end)


@register.filter
def count(number: int) -> str:
    """ "48,120" """
    return f"{number:,}"


@register.filter
def day(at: date | None) -> str:
    """ "3 Nov 2025" """
    return display.NONE if at is None else display.day(at)
