"""Periods tile a contract's life, whatever the frequency, anchor and month."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import (
    BillingDay,
    BillingSchedule,
    Frequency,
    Period,
    anchor_for,
    consecutive,
    period_at,
    periods,
    schedule_for,
    split,
)
from engine.errors import InvalidTerms
from tests.engine.strategies import JANUARY, START, cuts, quick

hours = st.integers(0, 24 * 365 * 6).map(lambda hour: datetime(2022, 11, 1, tzinfo=UTC) + timedelta(hours=hour))
month_ends = st.sampled_from([date(2024, 1, 29), date(2023, 8, 30), date(2020, 12, 31), date(2024, 2, 29)])
anchors = st.one_of(month_ends, hours.map(datetime.date))
schedules = st.builds(BillingSchedule, st.sampled_from(Frequency), anchors, st.sampled_from([0, 0, 13]))


@quick
@given(schedules, hours, st.integers(1, 24 * 800), st.booleans())
def test_periods_tile_the_contract(schedule: BillingSchedule, start: datetime, length: int, ends: bool) -> None:
    end = start + timedelta(hours=length)
    found = list(periods(schedule, start, end if ends else None, end))
    assert found[0].start == start
    assert all(before.end == after.start for before, after in pairwise(found))
    assert found[-1].start < end <= found[-1].end
    if ends:
        assert found[-1].end == end
    inner = [period.start for period in found[1:]]
    assert all(schedule.boundary(schedule.index(edge)) == edge for edge in inner)


@quick
@given(schedules, hours, st.integers(0, 24 * 400), st.integers(1, 24 * 400))
def test_period_at_is_one_of_the_periods(schedule: BillingSchedule, start: datetime, after: int, rest: int) -> None:
    instant = start + timedelta(hours=after)
    end = instant + timedelta(hours=rest)
    found = period_at(schedule, start, end, instant)
    assert instant in found
    assert found in list(periods(schedule, start, end, instant + timedelta(seconds=1)))


@quick
@given(schedules, st.integers(-60, 60))
def test_boundaries_keep_the_anchors_day(schedule: BillingSchedule, n: int) -> None:
    edge = schedule.boundary(n)
    assert edge < schedule.boundary(n + 1)
    assert schedule.index(edge) == n
    assert schedule.index(edge - timedelta(microseconds=1)) == n - 1
    assert edge.hour == schedule.hour
    if schedule.frequency in (Frequency.DAILY, Frequency.WEEKLY):
        assert (edge.date() - schedule.anchor).days == (7 * n if schedule.frequency is Frequency.WEEKLY else n)
    else:
        assert edge.day == min(schedule.anchor.day, monthrange(edge.year, edge.month)[1])


@quick
@given(cuts)
def test_split_tiles_the_period(chosen: list[datetime]) -> None:
    parts = split(JANUARY, [*chosen, *reversed(chosen)])
    assert (parts[0].start, parts[-1].end) == (JANUARY.start, JANUARY.end)
    assert all(before.end == after.start for before, after in pairwise(parts))
    assert {part.start for part in parts[1:]} == {cut for cut in chosen if JANUARY.start < cut < JANUARY.end}


def test_endless_contract_is_listed_up_to_an_instant() -> None:
    schedule = schedule_for(BillingDay.CONTRACT_START, Frequency.MONTHLY, START)
    assert len(list(periods(schedule, START, None, START + timedelta(days=3650)))) == 120


def test_an_offset_is_read_as_utc() -> None:
    offset = timezone(timedelta(hours=2))
    assert Period(datetime(2025, 1, 1, 2, tzinfo=offset), JANUARY.end) == JANUARY
    assert str(Period(datetime(2025, 1, 1, 2, tzinfo=offset), JANUARY.end).start) == str(START)
    assert anchor_for(BillingDay.CONTRACT_START, Frequency.MONTHLY, datetime(2025, 1, 1, 1, tzinfo=offset)) == date(
        2024, 12, 31
    )


@pytest.mark.parametrize("instant", [START - timedelta(microseconds=1), JANUARY.end])
def test_period_at_refuses_what_the_contract_does_not_cover(instant: datetime) -> None:
    schedule = schedule_for(BillingDay.FIRST_OF_MONTH, Frequency.MONTHLY, START)
    with pytest.raises(InvalidTerms) as caught:
        period_at(schedule, START, JANUARY.end, instant)
    assert caught.value.field == "instant"


def test_constructors_refuse() -> None:
    naive = datetime(2025, 1, 1)  # noqa: DTZ001 - that is the point
    for make, field in [
        (lambda: Period(naive, JANUARY.end), "starting_at"),
        (lambda: Period(START, naive), "ending_before"),
        (lambda: Period(START, START), "ending_before"),
        (lambda: Period(JANUARY.end, START), "ending_before"),
        (lambda: BillingSchedule(Frequency.MONTHLY, START), "billing_anchor_date"),
        (lambda: BillingSchedule(Frequency.MONTHLY, date(2025, 1, 1), 24), "billing_anchor_date"),
        (lambda: anchor_for(BillingDay.CUSTOM_DATE, Frequency.MONTHLY, START), "billing_anchor_date"),
        (lambda: anchor_for(BillingDay.FIRST_OF_MONTH, Frequency.MONTHLY, naive), "starting_at"),
        (lambda: consecutive([JANUARY, JANUARY], "windows"), "windows"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            make()
        assert caught.value.field == field
