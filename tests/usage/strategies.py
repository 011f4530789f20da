"""Random metrics, events and windows: small alphabets so that they meet, and odd values that real senders produce."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from engine.calendar import Period
from engine.usage import Aggregation, EventTypeFilter, MetricSpec, PropertyFilter
from usage.store import NewEvent, UsageQuery

START = datetime(2026, 3, 1, tzinfo=UTC)
METRIC = UUID(int=7)
KEYS = ["units", "region", "odd \"key' %s", "ünïcode"]
TYPES = ["call", "CALL", "call ", "töken"]

number_texts = st.sampled_from(
    [
        "0", "-0", "7", "+7", "007", "1.50", "-2.25", ".5", "5.", "1e3", "1E-3", "1e29", "1e-29", "1e30", "-.5e+2", "",
        " 1", "1 ", "1\n", "1_000", "0x10", "٣", "²", "½", "NaN", "Infinity", "-inf", "1,5", "--1", "1e", "e5",
        ".", "true",        "9" * 40, "9" * 41, "0." + "1" * 40, "0." + "1" * 41, "1" * 40 + "." + "9" * 40,
    ]
)  # fmt: skip
numbers = st.one_of(
    st.integers(-(10**45), 10**45),
    st.integers(-3, 3),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-100, max_value=100),
    st.sampled_from(
        [Decimal("-0.0"), Decimal("1E+2"), Decimal("1.500"), Decimal("1E-30"), Decimal("123456789.987654321")]
    ),
)
words = st.sampled_from(["us", "eu", "US", "us ", "", "null", "true", "é", "e\u0301", "😀", "a'b\"c\\d%s"])
scalars = st.one_of(st.none(), st.booleans(), numbers, number_texts, words)
values = st.one_of(
    scalars, st.lists(scalars, max_size=2), st.dictionaries(st.sampled_from(["b", "a", "aa"]), scalars, max_size=2)
)
properties = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)

minutes = st.integers(-60, 60 * 30)
instants = st.builds(
    lambda m, us: START + timedelta(minutes=m, microseconds=us), minutes, st.sampled_from([0, 0, 0, 1, -1, 999_999])
)


@st.composite
def events(draw: Any, refs: list[str], prefix: str) -> list[NewEvent]:
    """Up to 25 events of these refs, some under one transaction id."""
    ids = st.integers(0, 20).map(lambda n: f"{prefix}:{n}")
    event = st.builds(NewEvent, ids, st.sampled_from(refs), st.sampled_from(TYPES), instants, properties)
    return draw(st.lists(event, max_size=25))


texts = st.one_of(words, number_texts, st.sampled_from(["false", "[]", "{}", '{"a": 1}', "100", "1.500"]))
some_texts = st.lists(texts, min_size=1, max_size=4).map(tuple)
filters = st.builds(
    PropertyFilter,
    st.sampled_from(KEYS),
    st.sampled_from([None, None, True, False]),
    st.none() | some_texts,
    st.none() | some_texts,
)
some_types = st.lists(st.sampled_from(TYPES), min_size=1, max_size=3).map(tuple)
type_filters = st.none() | st.builds(EventTypeFilter, st.none() | some_types, st.none() | some_types)
specs = st.builds(
    MetricSpec,
    st.sampled_from(list(Aggregation)),
    st.sampled_from(KEYS),
    type_filters,
    st.lists(filters, max_size=2).map(tuple),
)


@st.composite
def windows(draw: Any) -> tuple[Period, ...]:
    """One to six windows in order; some touch, some leave gaps."""
    cuts = sorted(draw(st.sets(st.integers(0, 30 * 60), min_size=2, max_size=8)))
    bounds = [START + timedelta(minutes=m) for m in cuts]
    periods = [Period(a, b) for a, b in pairwise(bounds)]
    kept = draw(st.lists(st.booleans(), min_size=len(periods), max_size=len(periods)))
    return tuple(p for p, keep in zip(periods, kept, strict=True) if keep) or (periods[0],)


group_values = st.lists(st.none() | texts, max_size=3).map(tuple)
queries = st.builds(
    UsageQuery,
    st.just(METRIC),
    specs,
    windows(),
    st.lists(st.sampled_from([*KEYS, "never there"]), max_size=2, unique=True).map(tuple),
    st.dictionaries(st.sampled_from(KEYS), group_values, max_size=1),
    st.booleans(),
)
