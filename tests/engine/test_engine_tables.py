"""Every worked table of docs/algorithms, row by row."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from engine.calendar import BillingDay, Frequency, Period, periods, schedule_for
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.invoice import (
    ComposedInvoice,
    InvoiceTerms,
    ProductTerms,
    UsageInput,
    compose_usage_invoice,
)
from engine.money import fiat, plain, rounded, total
from engine.prices import walk
from engine.rating import Flat, RateSchedule, RateVersion
from engine.usage import (
    Aggregation,
    Event,
    MetricSpec,
    UsageRow,
    aggregate,
    increments,
    numeric,
    property_text,
)
from tests.engine.strategies import JANUARY, START, UNIT
from tests.engine.tables import at, at_or_none, numbers, pairs, price, steps, table, windows

Row = dict[str, str]


def each(page: str, name: str) -> Callable[[Any], Any]:
    """Runs a test once for each row of a table."""
    rows = table(page, name)
    return pytest.mark.parametrize("row", rows, ids=[" | ".join(row.values())[:80] for row in rows])


def days(count: int) -> list[Period]:
    """Consecutive days from the start of January."""
    return [Period(START + timedelta(days=n), START + timedelta(days=n + 1)) for n in range(count)]


@each("periods", "anchors")
def test_anchor(row: Row) -> None:
    schedule = schedule_for(
        BillingDay(row["day"]),
        Frequency(row["frequency"]),
        at(row["contract start"]),
        at_or_none(row["billing anchor date"]),
    )
    assert (schedule.anchor.isoformat(), str(schedule.hour)) == (row["anchor"], row["hour"])


@each("periods", "periods")
def test_periods(row: Row) -> None:
    start, end = at(row["start"]), at_or_none(row["end"])
    schedule = schedule_for(
        BillingDay(row["day"]), Frequency(row["frequency"]), start, at_or_none(row["billing anchor date"])
    )
    found = list(periods(schedule, start, end, at(row["until"])))
    edges = [at(text) for text in row["boundaries"].split()]
    assert found == [Period(a, b) for a, b in pairwise(edges)]


@each("aggregation", "texts")
def test_property_text(row: Row) -> None:
    value = json.loads(row["JSON"].strip("`"), parse_float=Decimal)
    expected = None if row["text"] == "none" else row["text"][1:-1]
    assert property_text(value) == expected
    assert numeric(value) == (None if row["number"] == "none" else Decimal(row["number"]))


@each("aggregation", "windows")
def test_aggregation_over_windows(row: Row) -> None:
    aggregation = Aggregation(row["aggregation"])
    spec = MetricSpec(aggregation, None if aggregation is Aggregation.COUNT else "value")
    parts = [part.split() for part in windows(row["events"])]
    whole = days(len(parts))
    made: list[Event] = []
    for window, values in zip(whole, parts, strict=True):
        for hour, value in enumerate(values):
            made.append(Event(f"t{len(made)}", "e", window.start + timedelta(hours=hour), len(made), {"value": value}))
    quantities = {whole[n]: Decimal(q) for n, q in enumerate(windows(row["quantities"])) if q != "-"}
    assert {found.window: found.quantity for found in aggregate(spec, reversed(made), whole)} == quantities
    partials = [(n, Decimal(value)) for n, value in enumerate(windows(row["partials"])) if value != "-"]
    assert {whole[n]: quantity for n, quantity in increments(aggregation, reversed(partials))} == quantities
    [one] = aggregate(spec, made, [Period(whole[0].start, whole[-1].end)])
    assert one.quantity == total(quantities.values()) == Decimal(row["whole"])


@pytest.mark.parametrize("row", [*table("rating", "prices"), *table("rating", "blocks")], ids=lambda row: str(row)[:60])
def test_price(row: Row) -> None:
    made = walk(price(row["price"]), Decimal(row["from"]), Decimal(row["to"]))
    assert pairs(made) == steps(row["lines"])
    assert total(step.total for step in made) == Decimal(row["total"])


@each("rating", "runs")
def test_runs(row: Row) -> None:
    named = {"A": price("5@0 5@100 150"), "B": price("10@20 30"), "C": Flat(Decimal(40)), "N": price("5@0 5@100 150")}
    parts = [part.split(":") for part in windows(row["windows"])]
    versions: list[RateVersion] = []
    last = ""
    for window, (letter, _) in zip(days(len(parts)), parts, strict=True):
        if letter != "-":
            begins = versions.pop().starting_at if letter == last else window.start
            versions.append(RateVersion(letter, begins, window.end, letter != "N", named[letter], UNIT))
        last = letter
    rows = tuple(
        UsageRow(window, (), Decimal(quantity), 1)
        for window, (_, quantity) in zip(days(len(parts)), parts, strict=True)
    )
    product = ProductTerms("p", "P", "m", (), (), {(): RateSchedule(tuple(versions))})
    period = Period(START, rows[-1].window.end)
    terms = InvoiceTerms("c", period, fiat("USD"), UNIT, (product,))
    invoice = compose_usage_invoice(terms, [UsageInput("p", rows[::-1])])
    assert [(line.quantity, line.unit_price) for line in invoice.lines] == steps(row["lines"])
    assert invoice.subtotal == Decimal(row["total"])
    assert [part.quantity for part in invoice.unrated] == numbers(row["unrated"])
    apart = compose_usage_invoice(terms, [UsageInput("p", rows)], [part.window.start for part in rows])
    assert apart.subtotal == Decimal(row["total"])


@each("rating", "conversion")
def test_conversion(row: Row) -> None:
    conversion = rounding = None
    if row["conversion"]:
        operation, factor = row["conversion"].split()
        conversion = QuantityConversion(Decimal(factor), ConversionOperation(operation))
    if row["rounding"]:
        method, places = row["rounding"].split()
        rounding = QuantityRounding(RoundingMethod(method), int(places))
    measured = [Decimal(text) for text in windows(row["measured"])]
    priced = [Decimal(text) for text in windows(row["priced"])]
    # A new rate begins with each window, so that each has its line.
    versions = [
        RateVersion(f"r{n}", day.start, day.end, True, Flat(Decimal(1)), UNIT)
        for n, day in enumerate(days(len(priced)))
    ]
    product = ProductTerms(
        "p",
        "P",
        "m",
        (),
        (),
        {(): RateSchedule(tuple(versions))},
        quantity_conversion=conversion,
        quantity_rounding=rounding,
    )
    period = Period(START, versions[-1].ending_before or START)
    terms = InvoiceTerms("c", period, fiat("USD"), UNIT, (product,))
    rows = tuple(UsageRow(day, (), quantity, 1) for day, quantity in zip(days(len(measured)), measured, strict=True))
    invoice = compose_usage_invoice(terms, [UsageInput("p", rows)])
    assert [line.quantity for line in invoice.lines] == priced


@each("rounding", "totals")
def test_total(row: Row) -> None:
    subtotal = total(numbers(row["lines"]))
    result = rounded(subtotal, fiat(row["currency"]))
    assert subtotal == Decimal(row["subtotal"])
    assert (result.total, result.rounding) == (Decimal(row["total"]), Decimal(row["rounding"]))
    assert not result.total.is_signed() or result.total < 0


@each("rounding", "plain")
def test_plain(row: Row) -> None:
    assert plain(Decimal(row["number"])) == row["text"]


def worked_invoice() -> ComposedInvoice:
    """The invoice of invoices.md, composed from its tables."""
    halves = {"1": Period(START, at("2025-01-16T00")), "2": Period(at("2025-01-16T00"), JANUARY.end)}
    schedules: dict[str, dict[tuple[tuple[str, str], ...], list[RateVersion]]] = {}
    keys: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for row in table("invoices", "rates"):
        pricing = tuple(row["pricing key"].split())
        keys[row["product"]] = pricing, tuple(row["presentation key"].split())
        values = tuple(zip(pricing, row["pricing values"].split(), strict=True))
        version = RateVersion(
            "r", at(row["from"]), at_or_none(row["until"]), row["entitled"] == "yes", price(row["price"]), UNIT
        )
        schedules.setdefault(row["product"], {}).setdefault(values, []).append(version)
    products = tuple(
        ProductTerms(name, name, name, *keys[name], {value: RateSchedule(tuple(made)) for value, made in rates.items()})
        for name, rates in schedules.items()
    )
    used: dict[str, list[UsageRow]] = {}
    for row in table("invoices", "usage"):
        group = tuple(None if value == "none" else value for value in row["group"].split())
        counted = UsageRow(halves[row["window"]], group, Decimal(row["quantity"]), int(row["events"]))
        used.setdefault(row["product"], []).append(counted)
    terms = InvoiceTerms("c", JANUARY, fiat("USD"), UNIT, products)
    return compose_usage_invoice(terms, [UsageInput(name, tuple(rows)) for name, rows in used.items()])


def test_worked_invoice() -> None:
    invoice = worked_invoice()
    found = [
        {
            "product": line.name,
            "group": " ".join(v or "none" for _, v in (*line.pricing_group_values, *line.presentation_group_values)),
            "from": f"{line.starting_at:%Y-%m-%dT%H}",
            "until": f"{line.ending_before:%Y-%m-%dT%H}",
            "tier": "" if line.tier is None else str(line.tier.level),
            "quantity": plain(line.quantity),
            "unit price": plain(line.unit_price),
            "total": plain(line.total),
        }
        for line in invoice.lines
    ]
    assert found == table("invoices", "lines")
    unrated = [
        f"{p.name}, {' '.join(v or '' for _, v in p.pricing_group_values)}: {plain(p.quantity)}"
        for p in invoice.unrated
    ]
    assert table("invoices", "result") == [
        {
            "subtotal": plain(invoice.subtotal),
            "total": plain(invoice.total),
            "rounding": plain(invoice.rounding),
            "unrated": ", ".join(unrated),
        }
    ]
