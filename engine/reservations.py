"""What becomes of a reservation: an amount of a live balance, held before a costly call, settled by its event.

HELD -> COMMITTED -> SETTLED | LAPSED; HELD -> RELEASED | EXPIRED | SETTLED; EXPIRED -> COMMITTED. Rules and a worked
table: docs/algorithms/reservations.md. Amounts are in the balance's stored unit (cents for USD), exact.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from engine.money import ZERO, subtract


class HoldStatus(StrEnum):
    """Where a reservation stands. Only HELD and COMMITTED ones keep anything from others."""

    HELD = "HELD"
    COMMITTED = "COMMITTED"
    SETTLED = "SETTLED"
    LAPSED = "LAPSED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


class Refusal(StrEnum):
    """Why a commit or release is refused."""

    NEEDS_TRANSACTION = "NEEDS_TRANSACTION"
    OTHER_TRANSACTION = "OTHER_TRANSACTION"
    WAS_RELEASED = "WAS_RELEASED"
    WAS_COMMITTED = "WAS_COMMITTED"
    MORE_THAN_RESERVED = "MORE_THAN_RESERVED"
    NOT_COVERED = "NOT_COVERED"


BOUND: Final = frozenset({HoldStatus.COMMITTED, HoldStatus.SETTLED, HoldStatus.LAPSED})
"""Bound to an event: a commit says the same again, a release comes too late."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation: what was asked for (`reserved`), and what it stands for now (`amount`, never more)."""

    id: UUID
    status: HoldStatus
    reserved: Decimal
    amount: Decimal
    transaction_id: str | None = None

    @property
    def weight(self) -> Decimal:
        """What it keeps from others."""
        return self.amount if self.status in (HoldStatus.HELD, HoldStatus.COMMITTED) else ZERO


def free(live: Decimal, held: Decimal, committed: Decimal) -> Decimal:
    """What may be reserved: the live balance less what is held, and less what is committed but not in it yet.

    Below 0 where usage that was not reserved has taken what others hold.
    """
    return subtract(subtract(live, held), committed)


def commit(hold: Hold, *, transaction_id: str | None, amount: Decimal | None, room: Decimal) -> Hold | Refusal:
    """The reservation bound to its event, for what the call really costs (`amount`; None: all of it).

    The rest is free at once. One that has expired is held anew if `room`, what is free now, covers it. Saying it again
    changes nothing, whatever the amount.
    """
    name = transaction_id or hold.transaction_id
    if name is None:
        return Refusal.NEEDS_TRANSACTION
    if hold.transaction_id not in (None, name):
        return Refusal.OTHER_TRANSACTION
    if hold.status in BOUND:
        return hold
    if hold.status is HoldStatus.RELEASED:
        return Refusal.WAS_RELEASED
    wanted = hold.reserved if amount is None else amount
    if wanted > hold.reserved:
        return Refusal.MORE_THAN_RESERVED
    if hold.status is HoldStatus.EXPIRED and wanted > room:
        return Refusal.NOT_COVERED
    return replace(hold, status=HoldStatus.COMMITTED, amount=wanted, transaction_id=name)


def release(hold: Hold) -> Hold | Refusal:
    """The reservation given back; one that holds nothing any more stays what it is. A committed one stays too."""
    if hold.status in BOUND:
        return Refusal.WAS_COMMITTED
    return replace(hold, status=HoldStatus.RELEASED) if hold.status is HoldStatus.HELD else hold


def expire(hold: Hold) -> Hold:
    """The reservation whose time is over."""
    return replace(hold, status=HoldStatus.EXPIRED) if hold.status is HoldStatus.HELD else hold
