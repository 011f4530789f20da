"""Quantities over time and what seats bring: the tables, and that nothing is granted twice."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import BillingSchedule, Frequency
from engine.errors import InvalidTerms
from engine.invoice import UsageInput, compose_usage_invoice, usage_windows
from engine.money import plain, total
from engine.quantities import Change, ChangeKind, history, standing_at
from engine.recurring import Amount, RecurringGrant, grant_periods
from engine.seat_grants import individual_grants, pooled_grants, until
from engine.usage import UsageRow
from tests.engine.strategies import JANUARY, quick
from tests.engine.tables import at
from tests.engine.test_engine_schedules import DAY, Row, each
from tests.engine.worlds import product, segment, terms_of

MONDAY = at("2025-01-06T00")
WEEK = 7 * DAY


def change(text: str) -> Change:
    day, what = text.split(":")
    when = MONDAY.replace(day=int(day))
    if found := re.fullmatch(r"([=+-])(\d+)", what):
        sign, number = found.groups()
        if sign == "=":
            return Change(when, ChangeKind.SET, Decimal(number))
        return Change(when, ChangeKind.DELTA, Decimal(f"{sign}{number}"))
    if found := re.fullmatch(r"(!?)u(\d+)", what):
        kind = ChangeKind.REMOVE_UNASSIGNED if found[1] else ChangeKind.ADD_UNASSIGNED
        return Change(when, kind, Decimal(found[2]))
    kind = ChangeKind.REMOVE_SEATS if what.startswith("!") else ChangeKind.ADD_SEATS
    return Change(when, kind, seat_ids=tuple(what.removeprefix("!").split(",")))


def changes(text: str) -> list[Change]:
    return [change(part) for part in text.split()]


def weekly(amount: int = 70) -> RecurringGrant:
    schedule = BillingSchedule(Frequency.WEEKLY, MONDAY.date())
    return RecurringGrant(schedule, MONDAY, None, Amount(Decimal(amount), Decimal(1)))


@each("subscriptions", "history")
def test_history(row: Row) -> None:
    shown = []
    for standing in history(changes(row["changes"])):
        seats = f" {','.join(standing.assigned)}" if standing.assigned else ""
        shown.append(f"{standing.starting_at.day}{seats} {plain(standing.total)}")
    assert ", ".join(shown) == row["history"]


@each("subscriptions", "grants")
def test_grants(row: Row) -> None:
    [grant_period] = grant_periods(weekly(), MONDAY + DAY)
    make = pooled_grants if row["allocation"] == "POOLED" else individual_grants
    found = make(weekly(), grant_period, history(changes(row["changes"])), is_prorated=row["prorated"] == "yes")
    shown = [f"{one.starting_at.day}{f' {one.seat_id}' if one.seat_id else ''} {plain(one.amount)}" for one in found]
    assert ", ".join(shown) == row["grants"]


def test_what_cannot_be_is_refused() -> None:
    for text, field in [("6:=2 7:-3", "quantity_delta"), ("6:=2 9:-1 7:-2", "quantity_delta")]:
        with pytest.raises(InvalidTerms) as caught:
            history(changes(text))
        assert caught.value.field == field
    half = Change(MONDAY, ChangeKind.SET, Decimal("1.5"))
    with pytest.raises(InvalidTerms, match="whole"):
        history([half, change("7:a")])


def test_nothing_is_granted_after_the_end() -> None:
    held = until(history(changes("6:=2")), MONDAY + 10 * DAY)
    first, second, third = grant_periods(weekly(), MONDAY + 15 * DAY)
    amounts = [
        total(one.amount for one in pooled_grants(weekly(), grant_period, held, is_prorated=True))
        for grant_period in (first, second, third)
    ]
    assert amounts == [140, 140, 0]


@quick
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(["+", "-"]), st.sets(st.sampled_from("abcdef"), min_size=1)),
        max_size=12,
    ),
    st.booleans(),
)
def test_pooled_is_never_less_than_what_is_there_and_individual_is_once_a_seat(
    moves: list[tuple[int, str, set[str]]], prorated: bool
) -> None:
    asked = [Change(MONDAY, ChangeKind.SET, Decimal(0))]
    for day, sign, seats in moves:
        kind = ChangeKind.ADD_SEATS if sign == "+" else ChangeKind.REMOVE_SEATS
        asked.append(Change(MONDAY + day * DAY, kind, seat_ids=tuple(sorted(seats))))
    held = history(asked)
    for grant_period in grant_periods(weekly(), MONDAY + 4 * WEEK):
        inside = [one for one in held if grant_period.period.start < one.starting_at < grant_period.period.end]
        first = standing_at(held, grant_period.period.start)
        seen = [one for one in [first, *inside] if one is not None]
        pooled = pooled_grants(weekly(), grant_period, held, is_prorated=prorated)
        most = max(one.total for one in seen)
        whole = total(one.amount for one in pooled)
        assert whole <= 70 * most
        if not prorated:
            assert whole == 70 * most
        own = individual_grants(weekly(), grant_period, held, is_prorated=prorated)
        ever = {seat for one in seen for seat in one.assigned}
        assert sorted(one.seat_id or "" for one in own) == sorted(ever)
        assert all(
            0 < one.amount <= 70 and grant_period.period.start <= one.starting_at < grant_period.period.end
            for one in own
        )


def test_only_a_seats_own_usage_is_cut_where_its_balance_begins() -> None:
    """b's seat begins on the tenth day: b's usage is cut there, a's is not, and each pays only its own."""
    start = JANUARY.start
    tokens = replace(product("1"), presentation_group_key=("user",))
    seats = tuple(
        segment(f"credit {seat}", 100, starting_at=begins, seat=("user", seat))
        for seat, begins in [("a", start), ("b", start + 10 * DAY)]
    )
    terms = terms_of(tokens, balances=seats)
    windows = usage_windows(terms)
    assert [window.start for window in windows] == [start, start + 10 * DAY]
    rows = tuple(UsageRow(window, (user,), Decimal(60), 1) for user in ("a", "b", "c") for window in windows)
    invoice = compose_usage_invoice(terms, [UsageInput("p", rows)])
    shown = [
        (line.presentation_group_values[0][1], line.starting_at.day - start.day, plain(line.total))
        for line in invoice.lines
    ]
    assert shown == [
        ("a", 0, "100"), ("a", 0, "-100"), ("a", 0, "20"),
        ("b", 0, "60"), ("b", 10, "60"), ("b", 10, "-60"), ("c", 0, "120"),
    ]  # fmt: skip
    assert {entry.balance_id: entry.amount for entry in invoice.drawdowns} == {"credit a": 100, "credit b": 60}
