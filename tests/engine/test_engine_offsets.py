"""Relative dates: what packages count from a contract's start."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import Offset, OffsetUnit
from engine.errors import InvalidTerms

instants = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
counts = st.integers(0, 600)


@pytest.mark.parametrize(
    ("start", "value", "unit", "end"),
    [
        ("2026-01-31T10", 1, "MONTHS", "2026-02-28T10"),
        ("2028-01-31T10", 1, "MONTHS", "2028-02-29T10"),
        ("2026-01-31T10", 2, "MONTHS", "2026-03-31T10"),
        ("2028-02-29T00", 1, "YEARS", "2029-02-28T00"),
        ("2028-02-29T00", 4, "YEARS", "2032-02-29T00"),
        ("2026-11-30T05", 3, "MONTHS", "2027-02-28T05"),
        ("2026-12-15T05", 2, "WEEKS", "2026-12-29T05"),
        ("2026-12-31T23", 1, "DAYS", "2027-01-01T23"),
        ("2026-12-31T23", 0, "MONTHS", "2026-12-31T23"),
    ],
)
def test_relative_dates_by_the_calendar(start: str, value: int, unit: str, end: str) -> None:
    at = datetime.fromisoformat(f"{start}:00:00+00:00")
    assert Offset(value, OffsetUnit(unit)).after(at) == datetime.fromisoformat(f"{end}:00:00+00:00")


@given(instants, counts)
def test_months_keep_the_day_or_take_the_months_last(at: datetime, n: int) -> None:
    then = Offset(n, OffsetUnit.MONTHS).after(at)
    assert (then.year - at.year) * 12 + then.month - at.month == n
    assert then.day == min(at.day, monthrange(then.year, then.month)[1])
    assert then.timetz() == at.timetz()


@given(instants, counts)
def test_a_year_is_twelve_months_and_a_week_seven_days(at: datetime, n: int) -> None:
    assert Offset(n, OffsetUnit.YEARS).after(at) == Offset(12 * n, OffsetUnit.MONTHS).after(at)
    assert Offset(n, OffsetUnit.WEEKS).after(at) == Offset(7 * n, OffsetUnit.DAYS).after(at) == at + timedelta(7 * n)


@given(instants, counts, st.sampled_from(OffsetUnit))
def test_more_is_later(at: datetime, n: int, unit: OffsetUnit) -> None:
    assert Offset(n, unit).after(at) < Offset(n + 1, unit).after(at)


@given(instants, instants, counts, st.sampled_from(OffsetUnit))
def test_a_later_start_is_never_earlier_after_it(one: datetime, other: datetime, n: int, unit: OffsetUnit) -> None:
    """Across months of different length too, up to the time of day within a month's last days."""
    first, second = sorted((one, other))
    assert Offset(n, unit).after(first).date() <= Offset(n, unit).after(second).date()


@pytest.mark.parametrize("unit", list(OffsetUnit))
def test_the_calendar_ends(unit: OffsetUnit) -> None:
    with pytest.raises(InvalidTerms):
        Offset(10**7, unit).after(datetime(2026, 1, 1, tzinfo=UTC))
