"""The cost view: spend over time, split by product or by a dimension of its lines. Quantities are `units`'s."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.types import BreakdownView, CurrencyView, LineView
from console.options import group_names
from console.ranges import (
    PRODUCT,
    STEPS,
    Choice,
    UsageQuestion,
    preset_choices,
    read_question,
    step_choices,
)
from console.selectors.access import Viewer
from console.selectors.palette import plan_names
from console.selectors.periods import billing_periods
from engine.money import ZERO, add
from invoices.selectors import list_breakdowns
from presentation import formatting
from presentation.charts.stacked_bars import Point, StackedBars, stacked_bars
from presentation.groups import GroupNames


@dataclass(frozen=True, slots=True)
class UsagePanel:
    """The filter as it was understood, and the answer. `chart` is None where nothing was used."""

    question: UsageQuestion
    presets: tuple[Choice, ...]
    steps: tuple[Choice, ...]
    groups: tuple[Choice, ...]
    units: tuple[Choice, ...]
    chart: StackedBars | None
    covers: str
    first_day: str
    last_day: str

    @property
    def is_custom(self) -> bool:
        """Whether the days are given rather than a preset."""
        return self.question.preset == "custom"


@dataclass(frozen=True, slots=True)
class Spend:
    """Columns in order of time, exact amounts of each part in stored units of `currency`; None where nothing is."""

    columns: tuple[tuple[datetime, dict[str, Decimal]], ...]
    currency: CurrencyView | None

    @property
    def unit(self) -> str:
        """What it is measured in."""
        return (self.currency.code or self.currency.name) if self.currency else ""


def ask(viewer: Viewer, query: dict[str, str], *, now: datetime) -> UsageQuestion:
    """The checked question in a query string."""
    return read_question(query, periods=billing_periods(customer_id=viewer.customer_id, now=now), now=now)


def usage_panel(viewer: Viewer, query: dict[str, str], *, now: datetime) -> UsagePanel:
    """The whole panel for a query string."""
    periods = billing_periods(customer_id=viewer.customer_id, now=now)
    question = read_question(query, periods=periods, now=now)
    names = group_names(viewer.options)
    parts = _parts(viewer, question, now)
    currencies = _currencies(parts)
    by, keys = _split(parts, question)
    found = _spend(parts, question, by=by, names=names)
    among = plan_names(customer_id=viewer.customer_id, by=by, names=names)
    return UsagePanel(
        question=question,
        presets=tuple(preset_choices(periods, question)),
        steps=step_choices(question),
        groups=(
            Choice(PRODUCT, "Product", by == PRODUCT),
            *(Choice(key, names.key(key).capitalize(), by == key) for key in keys),
        ),
        units=tuple(Choice(name, name, name == question.unit) for name in currencies) if len(currencies) > 1 else (),
        chart=_chart(found, question, among),
        covers=formatting.period(question.start, question.end),
        first_day=f"{question.start:%Y-%m-%d}",
        last_day=f"{question.end - STEPS['day']:%Y-%m-%d}",
    )


def usage_table(viewer: Viewer, query: dict[str, str], *, now: datetime) -> tuple[UsageQuestion, Spend]:
    """The exact numbers behind the panel's chart, for the CSV."""
    question = ask(viewer, query, now=now)
    parts = _parts(viewer, question, now)
    by, _ = _split(parts, question)
    return question, _spend(parts, question, by=by, names=group_names(viewer.options))


def _parts(viewer: Viewer, question: UsageQuestion, now: datetime) -> list[BreakdownView]:
    parts = list_breakdowns(
        customer_id=viewer.customer_id,
        starting_on=question.start,
        ending_before=question.end,
        window_size=question.step.upper(),
        now=now,
    )
    return [part for part in parts if part.invoice.status != "VOID"]


def _currencies(parts: Iterable[BreakdownView]) -> dict[str, CurrencyView]:
    """The currencies of these invoices by name, the newest invoice's first."""
    return {part.invoice.currency.name: part.invoice.currency for part in reversed(list(parts))}


def _split(parts: Iterable[BreakdownView], question: UsageQuestion) -> tuple[str, list[str]]:
    """What to split by, as far as this range has it, and all keys that it could be split by."""
    lines = [line for part in parts for line in part.lines]
    keys = sorted({key for line in lines for key in (*line.pricing_group_values, *line.presentation_group_values)})
    return question.by if question.by in keys else PRODUCT, keys


def _spend(parts: list[BreakdownView], question: UsageQuestion, *, by: str, names: GroupNames) -> Spend:
    currencies = _currencies(parts)
    currency = currencies.get(question.unit) or next(iter(currencies.values()), None)
    step = STEPS[question.step]
    columns: dict[datetime, dict[str, Decimal]] = {}
    at = question.start
    while at < question.end:
        columns[at] = {}
        at += step
    for part in parts:
        column = columns.setdefault(_floor(part.window_start, question.step), {})
        for line in part.lines:
            if line.total and line.is_charge and part.invoice.currency == currency:
                label = _label(line, by, names)
                column[label] = add(column.get(label, ZERO), line.total)
    return Spend(tuple(sorted(columns.items())), currency)


def _label(line: LineView, by: str, names: GroupNames) -> str:
    if by == PRODUCT:
        return line.name
    groups: dict[str, str | None] = {**line.presentation_group_values, **line.pricing_group_values}
    return names.value(by, groups.get(by))


def _floor(at: datetime, step: str) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour.replace(hour=0) if step == "day" else hour


def _chart(found: Spend, question: UsageQuestion, among: set[str]) -> StackedBars | None:
    currency = found.currency
    if currency is None or not any(values for _, values in found.columns):
        return None
    hours = question.step == "hour"
    return stacked_bars(
        [
            Point(
                f"{formatting.day(at, year=False)}, {at:%H:%M}" if hours else formatting.day(at, year=False),
                (formatting.day(at, year=False) if at.hour == 0 else "") if hours else formatting.day(at, year=False),
                {label: formatting.to_major_units(value, currency) for label, value in values.items()},
            )
            for at, values in found.columns
        ],
        title=f"Spend by {question.step}",
        unit=found.unit,
        show=lambda value: formatting.money(formatting.to_minor_units(value, currency), currency).figure,
        axis="Hour (UTC)" if hours else "Day (UTC)",
        wide=960,
        among=among,
    )
