"""Fields of the pages that make things: what people write, as the API's bodies have it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from catalog.models import CreditType
from core.admin.inputs import HourInput
from engine.calendar import rfc3339
from engine.money import plain
from presentation import formatting
from presentation.formatting import parse_money

NONE = formatting.DASH
"""What stands for no choice."""


def text(label: str, *, required: bool = True, most: int = 200, help_text: str = "") -> forms.CharField:
    """A line of text."""
    widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    return forms.CharField(label=label, required=required, max_length=most, widget=widget, help_text=help_text)


def number(label: str, *, required: bool = False, help_text: str = "", initial: str = "") -> forms.CharField:
    """A plain decimal; the API's own check reads it."""
    widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "inputmode": "decimal"})
    return forms.CharField(
        label=label, required=required, max_length=60, widget=widget, help_text=help_text, initial=initial
    )


def choice(
    label: str, options: tuple[tuple[str, str], ...], *, required: bool = True, help_text: str = ""
) -> forms.ChoiceField:
    """One of a few; the first is the usual one."""
    offered = options if required else (("", NONE), *options)
    return forms.ChoiceField(
        label=label, choices=offered, required=required, widget=UnfoldAdminSelectWidget(), help_text=help_text
    )


def several(label: str, *, help_text: str = "") -> forms.MultipleChoiceField:
    """Any of those that the form offers."""
    return forms.MultipleChoiceField(
        label=label, required=False, widget=UnfoldAdminSelectMultipleWidget(), help_text=help_text
    )


class LinesField(forms.CharField):
    """One entry a line; blank lines do not count."""

    def __init__(self, label: str, *, help_text: str = "", rows: int = 3) -> None:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": rows})
        super().__init__(label=label, required=False, max_length=20_000, widget=widget, help_text=help_text)

    def clean(self, value: Any) -> list[str]:
        """The lines, trimmed."""
        return [line.strip() for line in str(super().clean(value) or "").splitlines() if line.strip()]


class HourField(forms.DateTimeField):
    """An hour in UTC."""

    def __init__(self, label: str, *, required: bool = True, help_text: str = "On the hour.") -> None:
        super().__init__(
            label=f"{label} (UTC)",
            required=required,
            input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
            widget=HourInput(attrs={"step": "3600"}),
            help_text=help_text,
        )

    def clean(self, value: Any) -> datetime | None:
        """What was typed is UTC whatever the server's own time zone is."""
        with timezone.override(UTC):
            at: datetime | None = super().clean(value)
        if at is not None and (at.minute, at.second) != (0, 0):
            raise forms.ValidationError("Must be on the hour.")
        return at


def instant(at: datetime | None) -> str | None:
    """An instant as bodies have it."""
    return None if at is None else rfc3339(at)


def stored_amount(written: str, unit: CreditType) -> str:
    """What people wrote of a unit ("25.00") in its stored unit, as a body has it. Raises forms.ValidationError."""
    try:
        return plain(parse_money(written, minor_digits=unit.minor_digits, places=None))
    except ValueError as error:
        raise forms.ValidationError(str(error)) from error


def filled(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what was left empty."""
    return {name: value for name, value in body.items() if value not in (None, "", [], {})}
