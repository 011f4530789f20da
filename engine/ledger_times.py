"""How the entries of a segment's ledger are listed. Rules: docs/algorithms/balances.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.money import ZERO, add


@dataclass(frozen=True, slots=True)
class LedgerMove:
    """An entry: `amount` counts from `at` on. `reverses`: which earlier one it takes back, by place."""

    at: datetime
    amount: Decimal
    reverses: int | None = None


def listed(moves: Sequence[LedgerMove], starting_at: datetime) -> list[tuple[int, datetime]]:
    """A segment's entries, given in the order of posting, as they are listed: place and time, by time.

    Each at its own time, but not before access begins (`starting_at`); what takes an entry back, with that one; what
    takes more than was there by then, when it was there. At one time in the order of posting, or, where that went below
    0, what gives first. So no line of the list leaves less than 0, or than the balance itself ever was. What is posted
    later moves no entry to another time.
    """
    times = _times(moves, starting_at)
    found: list[tuple[int, datetime]] = []
    reached = ZERO
    for at in sorted(set(times)):
        places = [place for place, time in enumerate(times) if time == at]
        running, lowest = reached, ZERO
        for place in places:
            running = add(running, moves[place].amount)
            lowest = min(lowest, running)
        if lowest < min(reached, running, ZERO):
            places.sort(key=lambda place: moves[place].amount < ZERO)
        found += [(place, at) for place in places]
        reached = running
    return found


def _times(moves: Sequence[LedgerMove], starting_at: datetime) -> list[datetime]:
    times: list[datetime] = []
    balance, latest = ZERO, starting_at
    for place, move in enumerate(moves):
        at = max(move.at, starting_at) if move.reverses is None else times[move.reverses]
        balance = add(balance, move.amount)
        if move.amount < ZERO and at < latest:
            at = _covered_from(moves[:place], times, at, add(min(balance, ZERO), move.amount.copy_negate()))
        times.append(at)
        latest = max(latest, at)
    return times


def _covered_from(moves: Sequence[LedgerMove], times: Sequence[datetime], at: datetime, least: Decimal) -> datetime:
    """The first time from `at` on since which these moves never sum to less than `least`; in the end they do not."""
    by_time: dict[datetime, Decimal] = {}
    for move, time in zip(moves, times, strict=True):
        by_time[time] = add(by_time.get(time, ZERO), move.amount)
    edges = sorted(by_time)
    found, reached = at, ZERO
    for begins, ends in zip([None, *edges], [*edges, None], strict=True):
        if begins is not None:
            reached = add(reached, by_time[begins])
        if ends is not None and ends > at and reached < least:
            found = ends
    return found
