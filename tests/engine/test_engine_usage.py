"""Aggregation: splitting, order, partials, filters."""

import random
from collections import defaultdict
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import Period
from engine.errors import InvalidTerms
from engine.money import total
from engine.usage import (
    Aggregation,
    Event,
    EventTypeFilter,
    Group,
    MetricSpec,
    Partial,
    PropertyFilter,
    UsageRow,
    aggregate,
    matches,
    numeric,
    property_text,
    rows_from_partials,
)
from tests.engine.strategies import JANUARY, START, events, quick, specs, window_lists

KEYS = ("model", "region")


@quick
@given(specs(), events(), window_lists())
def test_windows_sum_to_the_whole(spec: MetricSpec, made: list[Event], windows: list[Period]) -> None:
    whole = {row.group: (row.quantity, row.event_count) for row in aggregate(spec, made, [JANUARY], KEYS)}
    parts: dict[Group, list[UsageRow]] = defaultdict(list)
    for row in aggregate(spec, made, windows, KEYS):
        parts[row.group].append(row)
    sums = {g: (total(row.quantity for row in rows), sum(row.event_count for row in rows)) for g, rows in parts.items()}
    assert sums == whole


@quick
@given(specs(), events(), window_lists(), st.randoms(use_true_random=False))
def test_order_of_events_is_irrelevant(
    spec: MetricSpec, made: list[Event], windows: list[Period], shuffler: random.Random
) -> None:
    expected = aggregate(spec, made, windows, KEYS)
    shuffler.shuffle(made)
    assert aggregate(spec, made, windows, KEYS) == expected


@quick
@given(specs(), events(), window_lists())
def test_partials_of_a_store_give_the_same_rows(spec: MetricSpec, made: list[Event], windows: list[Period]) -> None:
    assert rows_from_partials(spec.aggregation, partials(spec, made, windows), windows) == aggregate(
        spec, made, windows, KEYS
    )


def partials(spec: MetricSpec, made: list[Event], windows: list[Period]) -> list[Partial]:
    """What a store would answer, computed naively window by window."""
    found = []
    seen: dict[Group, set[str]] = defaultdict(set)
    for index, window in reversed(list(enumerate(windows))):
        found += [(index, group, members) for group, members in counted(spec, made, window).items()]
    result = []
    for index, group, members in sorted(found, key=lambda part: part[0]):
        texts = {property_text(event.properties.get("units")) or "" for event in members}
        units = [numeric(event.properties.get("units")) or Decimal(0) for event in members]
        last = max(members, key=lambda event: (event.timestamp, event.arrival))
        value = {
            Aggregation.COUNT: lambda units=units: Decimal(len(units)),
            Aggregation.SUM: lambda units=units: total(units),
            Aggregation.MAX: lambda units=units: max(units),
            Aggregation.LATEST: lambda last=last: numeric(last.properties.get("units")),
            Aggregation.UNIQUE: lambda texts=texts, group=group: Decimal(len(texts - seen[group])),
        }[spec.aggregation]()
        seen[group] |= texts
        result.append(Partial(index, group, value, len(members)))
    return result


def counted(spec: MetricSpec, made: list[Event], window: Period) -> dict[Group, list[Event]]:
    """The counting events of a window by group."""
    found: dict[Group, list[Event]] = defaultdict(list)
    for event in made:
        value = event.properties.get("units")
        usable = {Aggregation.COUNT: True, Aggregation.UNIQUE: value is not None}.get(
            spec.aggregation, numeric(value) is not None
        )
        if event.timestamp in window and usable:
            found[tuple(event.properties.get(key) for key in KEYS)].append(event)
    return found


def test_latest_prefers_the_later_arrival_at_one_timestamp() -> None:
    spec = MetricSpec(Aggregation.LATEST, "units")
    made = [Event(f"t{n}", "e", START, n, {"units": str(value)}) for n, value in enumerate([4, 9, 6])]
    assert [row.quantity for row in aggregate(spec, reversed(made), [JANUARY])] == [Decimal(6)]


def test_an_event_without_usable_value_is_not_counted_at_all() -> None:
    spec = MetricSpec(Aggregation.SUM, "units")
    made = [Event(f"t{n}", "e", START, n, {"units": value}) for n, value in enumerate(["2", "two", None, True])]
    assert [(row.quantity, row.event_count) for row in aggregate(spec, made, [JANUARY])] == [(Decimal(2), 1)]


def test_start_counts_and_end_does_not() -> None:
    spec = MetricSpec(Aggregation.COUNT)
    made = [Event("a", "e", JANUARY.start, 0, {}), Event("b", "e", JANUARY.end, 1, {})]
    assert [row.event_count for row in aggregate(spec, made, [JANUARY])] == [1]


@pytest.mark.parametrize(
    ("rule", "value", "passes"),
    [
        (PropertyFilter("p", exists=True), "x", True),
        (PropertyFilter("p", exists=True), "", True),
        (PropertyFilter("p", exists=True), None, False),
        (PropertyFilter("p", exists=False), None, True),
        (PropertyFilter("p", exists=False), "x", False),
        (PropertyFilter("p", in_values=("us", "1", "true")), "us", True),
        (PropertyFilter("p", in_values=("us", "1", "true")), 1, True),
        (PropertyFilter("p", in_values=("us", "1", "true")), True, True),
        (PropertyFilter("p", in_values=("us", "1", "true")), "US", False),
        (PropertyFilter("p", in_values=("us", "1", "true")), None, False),
        (PropertyFilter("p", not_in_values=("free",)), "free", False),
        (PropertyFilter("p", not_in_values=("free",)), "pro", True),
        (PropertyFilter("p", not_in_values=("free",)), None, True),
        (PropertyFilter("p", exists=True, not_in_values=("free",)), None, False),
        (PropertyFilter("p"), None, True),
    ],
)
def test_property_filter(rule: PropertyFilter, value: object, passes: bool) -> None:
    spec = MetricSpec(Aggregation.COUNT, property_filters=(rule,))
    assert matches(spec, Event("t", "e", START, 0, {"p": value})) is passes
    if value is None:
        assert matches(spec, Event("t", "e", START, 0, {})) is passes


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        (EventTypeFilter(("call", "chat")), True),
        (EventTypeFilter(("chat",)), False),
        (EventTypeFilter(None, ("call",)), False),
        (EventTypeFilter(None, ("chat",)), True),
        (EventTypeFilter(), True),
    ],
)
def test_event_type_filter(rule: EventTypeFilter, passes: bool) -> None:
    assert matches(MetricSpec(Aggregation.COUNT, event_type_filter=rule), Event("t", "call", START, 0, {})) is passes


def test_constructors_refuse() -> None:
    half = Decimal("0.5")
    for make, field in [
        (lambda: MetricSpec(Aggregation.SUM), "aggregation_key"),
        (lambda: PropertyFilter(""), "property_filters"),
        (lambda: PropertyFilter("p", in_values=()), "property_filters"),
        (lambda: PropertyFilter("p", not_in_values=()), "property_filters"),
        (lambda: EventTypeFilter(()), "event_type_filter"),
        (lambda: Event("t", "e", datetime(2025, 1, 1), 0, {}), "timestamp"),  # noqa: DTZ001
        (lambda: Event("t", "e", START, 0, {"p": half.__float__()}), "properties"),
        (lambda: Event("t", "e", START, 0, {"p": {"q": [half.__float__()]}}), "properties"),
        (lambda: Event("t", "e", START, 0, {"p": Decimal("NaN")}), "properties"),
        (lambda: Event("t", "e", START, 0, {"p": Decimal("1E+200000")}), "properties"),
        (lambda: Event("t", "e", START, 0, {"p": Decimal("1E-20000")}), "properties"),
        (lambda: Event("t", "e", START, 0, {"p": 10**5000}), "properties"),
        (lambda: Event("t", "e", START, 0, {"p": b"x"}), "properties"),
        (lambda: UsageRow(JANUARY, (), Decimal("NaN"), 0), "quantity"),
        (lambda: UsageRow(JANUARY, (), Decimal(1), -1), "event_count"),
        (lambda: aggregate(MetricSpec(Aggregation.COUNT), [], [JANUARY, JANUARY]), "windows"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            make()
        assert caught.value.field == field
