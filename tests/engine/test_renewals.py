"""Terms follow each other: docs/algorithms/renewals.md."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import Period
from engine.errors import InvalidTerms
from engine.renewals import Move, next_term, raised, term_anchor, term_months, uplift_factor

HOURS = st.integers(0, 24 * 366 * 8).map(lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours))


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "months", "ends"),
    [
        ("2027-01-31", "2027-02-28", 1, ["2027-03-31", "2027-04-30", "2027-05-31"]),
        ("2028-02-29", "2029-02-28", 12, ["2030-02-28", "2031-02-28", "2032-02-29"]),
        ("2027-01-15", "2027-02-15", 1, ["2027-03-15", "2027-04-15"]),
        ("2027-01-31", "2027-06-15", 6, ["2027-12-15", "2028-06-15"]),
        ("2027-01-01", "2028-01-01", 24, ["2030-01-01"]),
    ],
)
def test_the_worked_terms(start: str, end: str, months: int, ends: list[str]) -> None:
    old = Period(day(start), day(end))
    anchor, at = term_anchor(old), old.end
    for expected in ends:
        term = next_term(at, months=months, anchor=anchor)
        assert (term.start, term.end) == (at, day(expected))
        at = term.end


@given(HOURS, st.integers(1, 30), st.integers(1, 24))
def test_terms_do_not_drift(start: datetime, length: int, months: int) -> None:
    """Each begins where the one before ended, and after n of them the end is n terms away from the anchor."""
    first = next_term(start, months=length, anchor=start)
    assert (term_anchor(first), term_months(first)) == (start, length)
    at = first.end
    for number in range(1, 6):
        term = next_term(at, months=months, anchor=start)
        assert term.start == at
        assert term.end == next_term(start, months=length + number * months, anchor=start).end
        at = term.end


@given(HOURS, st.integers(1, 24), st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_what_is_in_order_stays_in_order(start: datetime, months: int, places: list[float]) -> None:
    old = next_term(start, months=months, anchor=start)
    move = Move(old, next_term(old.end, months=months, anchor=start), start)
    inside = sorted(old.start + (old.end - old.start) * place for place in places)
    moved = [move.at(instant) for instant in [old.start, *inside, old.end]]
    assert moved == sorted(moved)
    assert (moved[0], moved[-1]) == (move.new.start, move.new.end)
    assert all(move.window(one, one + timedelta(hours=1)) is not None for one in inside[:-1] if one < old.end)


def test_a_shorter_term_leaves_out_what_comes_after_it() -> None:
    old = Period(day("2027-01-01"), day("2028-01-01"))
    move = Move(old, Period(day("2028-01-01"), day("2028-07-01")), old.start)
    assert move.window(day("2027-04-01"), day("2027-10-01")) == Period(day("2028-04-01"), day("2028-07-01"))
    assert move.window(day("2027-07-01"), day("2027-10-01")) is None
    assert move.date(day("2027-09-01")) is None
    assert move.window(day("2027-01-01"), day("2028-02-01")) == Period(day("2028-01-01"), day("2029-02-01"))


def test_prices_rise_exactly() -> None:
    factor = uplift_factor(Decimal(5))
    assert raised(raised(Decimal(1000), factor), factor) == Decimal("1102.5")
    assert raised(Decimal("0.00000000013"), factor) == Decimal("0.0000000001")
    assert raised(Decimal("0.00000000013"), Decimal(1)) == Decimal("0.00000000013")
    with pytest.raises(InvalidTerms):
        uplift_factor(Decimal(-101))
