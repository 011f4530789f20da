"""Amounts, times and states in the back office's templates."""

from decimal import Decimal
from typing import Any

from django import template
from django.utils.safestring import SafeString

from presentation import formatting, markup

register = template.Library()

register.filter("instant", markup.instant)
register.filter("instant_exact", markup.instant_exact)
register.filter("instant_text", formatting.instant)
register.filter("day", formatting.day)
register.filter("detail", formatting.detail)
register.filter("quantity", markup.quantity)
register.filter("short_id", markup.short_id)
register.simple_tag(markup.period, name="period")
register.simple_tag(markup.badge, name="badge")
register.simple_tag(formatting.ago, name="ago")


@register.simple_tag
def money(amount: Decimal | None, unit: Any, decimals: int = formatting.COLUMN_DECIMALS) -> SafeString:
    """An amount with its unit; `decimals` at most, the rest cut with an ellipsis."""
    return markup.money(amount, unit, decimals=decimals)


@register.simple_tag
def figure(amount: Decimal | None, unit: Any) -> str:
    """The figure alone, whole."""
    return formatting.DASH if amount is None else formatting.figure(amount, unit)


@register.filter
def count(number: int) -> str:
    """ "48,120" """
    return f"{number:,}"
