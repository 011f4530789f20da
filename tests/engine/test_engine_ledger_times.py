"""How a ledger is listed: the worked table, and its law for any order of posting."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ledger_times import LedgerMove, listed
from tests.engine.tables import table

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return BEGIN + timedelta(days=number - 1)


def parse(text: str) -> LedgerMove:
    on, amount, *reverses = text.split()
    return LedgerMove(day(int(on)), Decimal(amount), int(reverses[0].removeprefix("~")) - 1 if reverses else None)


def running(amounts: list[Decimal]) -> list[Decimal]:
    return [sum(amounts[: n + 1], Decimal(0)) for n in range(len(amounts))]


@pytest.mark.parametrize("row", table("balances", "listed"), ids=lambda row: row["posted"])
def test_the_worked_table(row: dict[str, str]) -> None:
    moves = [parse(text) for text in row["posted"].split(", ")]
    begins = moves[0].at
    found = [(at, moves[place].amount) for place, at in listed(moves, begins)]
    assert found == [(move.at, move.amount) for move in map(parse, row["listed"].split(", "))]


@st.composite
def ledgers(draw: st.DrawFn) -> list[LedgerMove]:
    """Grants, takes of what is there, entries by hand, and takings back, dated as they like."""
    moves = [LedgerMove(day(3), Decimal(draw(st.integers(0, 9))))]
    balance, standing = moves[0].amount, set[int]()
    for _ in range(draw(st.integers(0, 12))):
        at = day(draw(st.integers(1, 9)))
        kind = draw(st.sampled_from(["give", "take", "back", "hand"]))
        if kind == "back" and standing:
            place = draw(st.sampled_from(sorted(standing)))
            standing.remove(place)
            moves.append(LedgerMove(at, -moves[place].amount, place))
        elif kind == "take" and balance > 0:
            standing.add(len(moves))
            moves.append(LedgerMove(at, -Decimal(draw(st.integers(1, int(balance))))))
        else:
            least = -9 if kind == "hand" else 1
            moves.append(LedgerMove(at, Decimal(draw(st.integers(least, 9)))))
        balance += moves[-1].amount
    return moves


@given(moves=ledgers())
def test_no_line_leaves_less_than_the_balance_ever_was(moves: list[LedgerMove]) -> None:
    found = listed(moves, day(3))
    assert sorted(place for place, _ in found) == list(range(len(moves)))
    times = dict(found)
    assert list(times.values()) == sorted(times.values())
    least = min(Decimal(0), *running([move.amount for move in moves]))
    assert min(running([moves[place].amount for place, _ in found])) >= least
    for place, move in enumerate(moves):
        if move.reverses is None:
            assert times[place] >= max(move.at, day(3))
        elif move.amount > 0:
            assert times[place] == times[move.reverses]
    for count in range(1, len(moves)):  # what is posted later moves nothing
        assert dict(listed(moves[:count], day(3))) == {place: times[place] for place in range(count)}
