"""The worked tables of docs/algorithms/reservations.md, row by row."""

from decimal import Decimal
from uuid import UUID

import pytest

from engine.money import ZERO
from engine.reservations import BOUND, Hold, HoldStatus, Refusal, commit, expire, free, release
from tests.engine.tables import table


@pytest.mark.parametrize("row", table("reservations", "free"), ids=lambda row: " ".join(row.values()))
def test_free(row: dict[str, str]) -> None:
    assert free(*(Decimal(row[name]) for name in ("live", "held", "committed"))) == Decimal(row["free"])


def moved(row: dict[str, str]) -> Hold | Refusal:
    reserved = Decimal(row["reserved"])
    hold = Hold(UUID(int=1), HoldStatus(row["status"]), reserved, reserved, row["event"] or None)
    what, *more = row["asked"].split()
    if what == "release":
        return release(hold)
    if what == "expire":
        return expire(hold)
    name, amount, *_ = (*more, None, None)
    return commit(hold, transaction_id=name, amount=amount and Decimal(amount), room=Decimal(row["free"]))


@pytest.mark.parametrize("row", table("reservations", "moves"), ids=lambda row: f"{row['status']} {row['asked']}")
def test_moves(row: dict[str, str]) -> None:
    became = moved(row)
    if isinstance(became, Refusal):
        assert (became.value, row["stands for"]) == (row["becomes"], "")
        return
    assert (became.status.value, became.weight) == (row["becomes"], Decimal(row["stands for"]))
    assert (became.transaction_id is None) <= (became.status not in BOUND)
    assert became.reserved == Decimal(row["reserved"])


def test_only_what_is_held_or_committed_weighs() -> None:
    for status in HoldStatus:
        hold = Hold(UUID(int=1), status, Decimal(5), Decimal(3), "t")
        assert hold.weight == (Decimal(3) if status in (HoldStatus.HELD, HoldStatus.COMMITTED) else ZERO)
