"""The browser's own pickers of dates and hours: they need no script and speak the reader's language."""

from datetime import date, datetime
from typing import Any

from unfold.widgets import UnfoldAdminTextInputWidget


class DayInput(UnfoldAdminTextInputWidget):
    """A day."""

    input_type = "date"

    def format_value(self, value: Any) -> str | None:
        """As browsers take it."""
        return value.isoformat() if isinstance(value, date) else value


class HourInput(UnfoldAdminTextInputWidget):
    """A day and an hour."""

    input_type = "datetime-local"

    def format_value(self, value: Any) -> str | None:
        """As browsers take it."""
        return f"{value:%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value
