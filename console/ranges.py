"""What the usage page is asked for: a range of whole UTC days, a step, a measure, a grouping. All in the query
string.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from core.errors import InvalidInput
from engine.calendar import Period

MAX_POINTS: Final = 400
PRODUCT: Final = "product"
STEPS: Final = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
PRESETS: Final = {
    "current": "This period",
    "previous": "Previous period",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "mtd": "Month to date",
    "ytd": "Year to date",
    "custom": "Custom",
}
_ROLLING = {"7d": 7, "30d": 30, "90d": 90}


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a select or a radio group."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """A checked request. `start` and `end` are midnights, `[start, end)`; `show`: the id of a metric, or "";
    `by`: PRODUCT or a group key; `error` says why the rest of the request could not be followed.
    """

    preset: str
    start: datetime
    end: datetime
    step: str = "day"
    show: str = ""
    by: str = PRODUCT
    unit: str = ""
    error: str = field(default="", compare=False)

    @property
    def query(self) -> str:
        """The same request as a query string, for links and downloads."""
        more = {"show": self.show, "by": self.by, "unit": self.unit}
        return urlencode({**self._range, **{name: value for name, value in more.items() if value}})

    @property
    def range_query(self) -> str:
        """The range and the step alone, to look at something else in it."""
        return urlencode(self._range)

    @property
    def _range(self) -> dict[str, str]:
        last = self.end - timedelta(days=1)
        return {"preset": self.preset, "from": f"{self.start:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}", "step": self.step}


@dataclass(frozen=True, slots=True)
class Periods:
    """The billing period that holds this moment, and the one before; None where there is none."""

    current: Period | None = None
    previous: Period | None = None

    @property
    def usual(self) -> str:
        """The preset that a page opens with."""
        return "current" if self.current else "30d"


def read_question(query: Mapping[str, str], *, periods: Periods, now: datetime) -> UsageQuestion:
    """Reads a query string. A range or step that cannot be drawn falls back to the usual one by day, with `error`
    saying why.
    """
    preset = query.get("preset", periods.usual)
    show, by = query.get("show", "")[:40], query.get("by", PRODUCT)[:200]
    unit = query.get("unit", "")[:40]
    step = query.get("step", "day")
    show = show if _is_id(show) else ""
    try:
        start, end = _range(preset, query, periods, now)
        _check(preset, start, end, step)
    except InvalidInput as error:
        start, end = _range(periods.usual, {}, periods, now)
        return UsageQuestion(periods.usual, start, end, "day", show, by, unit, error.message)
    return UsageQuestion(preset, start, end, step, show, by, unit)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def preset_choices(periods: Periods, question: UsageQuestion) -> Iterator[Choice]:
    """The presets that this customer has."""
    for value, label in PRESETS.items():
        if (value == "current" and not periods.current) or (value == "previous" and not periods.previous):
            continue
        yield Choice(value, label, value == question.preset)


def step_choices(question: UsageQuestion) -> tuple[Choice, ...]:
    """The steps."""
    return tuple(Choice(step, f"By {step}", step == question.step) for step in STEPS)


def _range(preset: str, query: Mapping[str, str], periods: Periods, now: datetime) -> tuple[datetime, datetime]:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = today + timedelta(days=1)
    period = {"current": periods.current, "previous": periods.previous}.get(preset)
    if period is not None:
        return _midnight(period.start), _ceiling(period.end)
    if preset in _ROLLING:
        return tomorrow - timedelta(days=_ROLLING[preset]), tomorrow
    if preset == "mtd":
        return today.replace(day=1), tomorrow
    if preset == "ytd":
        return today.replace(month=1, day=1), tomorrow
    if preset == "custom":
        return read_day(query.get("from", "")), read_day(query.get("to", "")) + timedelta(days=1)
    return today - timedelta(days=29), tomorrow


def _check(preset: str, start: datetime, end: datetime, step: str) -> None:
    if preset not in PRESETS:
        raise InvalidInput("That range is not known.")
    if step not in STEPS:
        raise InvalidInput("Choose days or hours.")
    if end <= start:
        raise InvalidInput("The last day must not be before the first.")
    points = -(-(end - start) // STEPS[step])
    if points > MAX_POINTS:
        most = MAX_POINTS * STEPS[step] // timedelta(days=1)
        raise InvalidInput(f"That would be {points:,} {step}s; at most {most} days can be drawn by {step}.")


def read_day(text: str) -> datetime:
    """A date's midnight. Raises InvalidInput."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("Give both days, as a date.") from error
    if not 2000 <= found.year <= 2200:
        raise InvalidInput("That year is out of range.")
    return datetime.combine(found, time(), UTC)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _ceiling(at: datetime) -> datetime:
    return at if at == _midnight(at) else _midnight(at) + timedelta(days=1)
