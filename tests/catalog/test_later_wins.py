"""Overlapping entries: the one added last counts, at every instant."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.rating import RateSchedule
from engine.timeline import Span, later_wins
from tests.catalog.shop import START

HOURS = 24


def at(hour: int):
    return START + timedelta(hours=hour)


@st.composite
def spans(draw: st.DrawFn) -> list[Span[str]]:
    found = []
    for sequence in range(draw(st.integers(0, 12))):
        start = draw(st.integers(0, HOURS - 2))
        end = draw(st.none() | st.integers(start + 1, HOURS))
        found.append(Span(sequence, at(start), None if end is None else at(end), f"rate {sequence}"))
    return draw(st.permutations(found))


def winner(entries: list[Span[str]], instant) -> str | None:
    covering = [s for s in entries if s.start <= instant and (s.end is None or instant < s.end)]
    return max(covering, key=lambda s: s.sequence).item if covering else None


@given(spans())
def test_at_each_instant_the_last_added_of_those_in_force_counts(entries: list[Span[str]]) -> None:
    parts = later_wins(entries)
    for hour in range(-1, HOURS + 2):
        here = [p.item for p in parts if p.start <= at(hour) and (p.end is None or at(hour) < p.end)]
        expected = winner(entries, at(hour))
        assert here == ([] if expected is None else [expected])


@given(spans())
def test_the_parts_are_in_order_apart_and_as_few_as_can_be(entries: list[Span[str]]) -> None:
    parts = later_wins(entries)
    for before, after in pairwise(parts):
        assert before.end is not None
        assert before.end <= after.start
        assert before.end < after.start or before.sequence != after.sequence
    assert all(part.end is None or part.start < part.end for part in parts)
    originals = {s.sequence: s for s in entries}
    for part in parts:
        original = originals[part.sequence]
        assert original.start <= part.start
        assert original.end is None or (part.end is not None and part.end <= original.end)


@given(spans())
def test_resolving_twice_changes_nothing(entries: list[Span[str]]) -> None:
    once = later_wins(entries)
    again = later_wins([Span(i, p.start, p.end, p.item) for i, p in enumerate(once)])
    assert [(p.start, p.end, p.item) for p in again] == [(p.start, p.end, p.item) for p in once]


def test_a_thousand_nested_spans_take_no_time() -> None:
    entries = [Span(i, at(i), at(3000 - i), str(i)) for i in range(1000)]
    parts = later_wins(entries)
    assert len(parts) == 1999
    assert parts[999].item == "999"


def test_an_empty_card_has_an_empty_schedule() -> None:
    assert later_wins([]) == []
    assert RateSchedule(()).at(START) is None
