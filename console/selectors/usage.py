"""The usage page: spend, or one product's quantity, over time, split by product or by one of its dimensions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.types import BreakdownView, CurrencyView, LineView
from console.options import group_names
from console.ranges import (
    PRODUCT,
    SPEND,
    STEPS,
    Choice,
    UsageQuestion,
    preset_choices,
    read_question,
    step_choices,
)
from console.selectors.access import Viewer
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
    measures: tuple[Choice, ...]
    groups: tuple[Choice, ...]
    units: tuple[Choice, ...]
    chart: StackedBars | None
    headline: str
    covers: str
    first_day: str
    last_day: str

    @property
    def is_custom(self) -> bool:
        """Whether the days are given rather than a preset."""
        return self.question.preset == "custom"


@dataclass(frozen=True, slots=True)
class Measured:
    """Columns in order of time with their exact values, and what they are measured in."""

    columns: tuple[tuple[datetime, dict[str, Decimal]], ...]
    unit: str
    name: str
    currency: CurrencyView | None


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
    products = _products(parts)
    measure, by, keys = _understood(parts, question, products)
    found = _measure(parts, question, measure=measure, by=by, names=names)
    chart = _chart(found, question) if any(values for _, values in found.columns) else None
    return UsagePanel(
        question=question,
        presets=tuple(preset_choices(periods, question)),
        steps=step_choices(question),
        measures=(
            Choice(SPEND, "Spend", measure == SPEND),
            *(Choice(key, f"Quantity: {name}", measure == key) for key, name in products.items()),
        ),
        groups=(
            Choice(PRODUCT, "Product" if measure == SPEND else "Nothing", by == PRODUCT),
            *(Choice(key, names.key(key).capitalize(), by == key) for key in keys),
        ),
        units=tuple(Choice(name, name, name == question.unit) for name in currencies) if len(currencies) > 1 else (),
        chart=chart,
        headline=found.name,
        covers=formatting.period(question.start, question.end),
        first_day=f"{question.start:%Y-%m-%d}",
        last_day=f"{question.end - STEPS['day']:%Y-%m-%d}",
    )


def usage_table(viewer: Viewer, query: dict[str, str], *, now: datetime) -> tuple[UsageQuestion, Measured]:
    """The exact numbers behind the panel's chart, for the CSV."""
    question = ask(viewer, query, now=now)
    parts = _parts(viewer, question, now)
    measure, by, _ = _understood(parts, question, _products(parts))
    return question, _measure(parts, question, measure=measure, by=by, names=group_names(viewer.options))


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


def _products(parts: Iterable[BreakdownView]) -> dict[str, str]:
    """Product id to name, by name."""
    found = {
        str(line.product_id): line.name for part in parts for line in part.lines if line.product_id and line.quantity
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _understood(
    parts: Iterable[BreakdownView], question: UsageQuestion, products: dict[str, str]
) -> tuple[str, str, list[str]]:
    """What to measure and what to split by, as far as this range has it, and all keys that it could be split by."""
    measure = question.show if question.show in products else SPEND
    lines = [line for part in parts for line in part.lines if measure in (SPEND, str(line.product_id))]
    keys = sorted({key for line in lines for key in (*line.pricing_group_values, *line.presentation_group_values)})
    return measure, question.by if question.by in keys else PRODUCT, keys


def _measure(
    parts: list[BreakdownView], question: UsageQuestion, *, measure: str, by: str, names: GroupNames
) -> Measured:
    currencies = _currencies(parts)
    currency = currencies.get(question.unit) or next(iter(currencies.values()), None)
    step = STEPS[question.step]
    columns: dict[datetime, dict[str, Decimal]] = {}
    at = question.start
    while at < question.end:
        columns[at] = {}
        at += step
    name = "Spend"
    for part in parts:
        column = columns.setdefault(_floor(part.window_start, question.step), {})
        for line in part.lines:
            value = _value(line, part, measure, currency)
            if value:
                label = _label(line, by, names)
                column[label] = add(column.get(label, ZERO), value)
            if measure == str(line.product_id):
                name = line.name
    unit = (currency.code or currency.name) if currency and measure == SPEND else ""
    return Measured(tuple(sorted(columns.items())), unit, name, currency if measure == SPEND else None)


def _value(line: LineView, part: BreakdownView, measure: str, currency: CurrencyView | None) -> Decimal:
    if measure == SPEND:
        return line.total if line.is_charge and part.invoice.currency == currency else ZERO
    return (line.quantity or ZERO) if UUID(measure) == line.product_id else ZERO


def _label(line: LineView, by: str, names: GroupNames) -> str:
    if by == PRODUCT:
        return line.name
    groups: dict[str, str | None] = {**line.presentation_group_values, **line.pricing_group_values}
    return names.value(by, groups.get(by))


def _floor(at: datetime, step: str) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour.replace(hour=0) if step == "day" else hour


def _chart(found: Measured, question: UsageQuestion) -> StackedBars:
    currency = found.currency

    def in_units(value: Decimal) -> Decimal:
        return formatting.to_major_units(value, currency) if currency else value

    def show(value: Decimal) -> str:
        return (
            formatting.money(formatting.to_minor_units(value, currency), currency).figure
            if currency
            else formatting.quantity(value)
        )

    hours = question.step == "hour"
    return stacked_bars(
        [
            Point(
                f"{formatting.day(at, year=False)}, {at:%H:%M}" if hours else formatting.day(at, year=False),
                (formatting.day(at, year=False) if at.hour == 0 else "") if hours else formatting.day(at, year=False),
                {label: in_units(value) for label, value in values.items()},
            )
            for at, values in found.columns
        ],
        title=f"{found.name} by {question.step}",
        unit=found.unit,
        show=show,
        axis="Hour (UTC)" if hours else "Day (UTC)",
        wide=960,
    )
