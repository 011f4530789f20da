"""Amounts, times and states in the back office's templates."""

from decimal import Decimal
from typing import Any

from django import template
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BoundField
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
def focused_if_wrong(field: BoundField) -> SafeString:
    """A form's field, with the focus on it where it is the first that was refused and nothing stands above the form."""
    wrong = field.form.errors
    first = next((name for name in field.form.fields if name in wrong), None)
    focused = field.name == first and NON_FIELD_ERRORS not in wrong
    return field.as_widget(attrs={"autofocus": True} if focused else None)


@register.filter
def count(number: int) -> str:
    """ "48,120" """
    return f"{number:,}"
