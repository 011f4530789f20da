"""Merging stored quantities with new events gives what aggregating all events gives."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import Period, split
from engine.merging import ValueCount, fine_windows, merged, merged_unique, new_values
from engine.usage import Aggregation, Event, MetricSpec, PropertyFilter, UsageRow, aggregate

START = datetime(2025, 1, 1, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(hours=6))
EVENT = st.tuples(
    st.integers(-60, 420), st.sampled_from(["1", "2", "-3.5", "x", None]), st.sampled_from(["a", "b", None])
)


def events(rows: list[tuple[int, str | None, str | None]], first: int) -> list[Event]:
    made = []
    for number, (minute, value, group) in enumerate(rows):
        properties = {key: text for key, text in (("v", value), ("g", group)) if text is not None}
        made.append(Event(f"{first + number}", "t", START + timedelta(minutes=minute), first + number, properties))
    return made


@given(
    st.sampled_from(list(Aggregation)),
    st.lists(EVENT, max_size=12),
    st.lists(EVENT, max_size=6),
    st.lists(st.integers(1, 359), max_size=3),
)
def test_merging_is_aggregating_everything(
    aggregation: Aggregation,
    before: list[tuple[int, str | None, str | None]],
    more: list[tuple[int, str | None, str | None]],
    cuts: list[int],
) -> None:
    spec = MetricSpec(aggregation, None if aggregation is Aggregation.COUNT else "v")
    windows = split(PERIOD, [START + timedelta(minutes=cut) for cut in cuts])
    old, new = events(before, 0), events(more, 1000)
    if aggregation is Aggregation.UNIQUE:
        found = merged_unique(
            spec, aggregate(spec, old, windows, ["g"]), _known(spec, old, new, windows), new, windows, group_keys=["g"]
        )
    else:
        asked = fine_windows(windows, new) if aggregation is Aggregation.LATEST else windows
        stored = [row for window in asked for row in aggregate(spec, old, [window], ["g"])]
        found = merged(spec, stored, new, windows, group_keys=["g"])
    assert found == aggregate(spec, [*old, *new], windows, ["g"])


def _known(spec: MetricSpec, old: list[Event], new: list[Event], windows: list[Period]) -> list[ValueCount]:
    """As a store answers: events counted by window, group and value, for the values of the new events."""
    wanted = tuple(sorted(new_values(spec, new)))
    if not wanted:
        return []
    counting = MetricSpec(Aggregation.COUNT, property_filters=(PropertyFilter("v", in_values=wanted),))
    rows: list[UsageRow] = aggregate(counting, old, windows, ["g", "v"])
    return [
        ValueCount(windows.index(row.window), row.group[:-1], row.group[-1])
        for row in rows
        if row.group[-1] is not None and row.quantity > Decimal(0)
    ]
