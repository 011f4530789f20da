"""A subscription's quantity over time, from the changes that were asked for.

Rules and tables: docs/algorithms/subscriptions.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from engine.calendar import utc
from engine.errors import InvalidTerms
from engine.money import ZERO, add, checked
from engine.subscriptions import Quantity, Seats


class ChangeKind(StrEnum):
    """What a change does. SET and DELTA are for quantities; the others for seats."""

    SET = "SET"
    DELTA = "DELTA"
    ADD_SEATS = "ADD_SEATS"
    REMOVE_SEATS = "REMOVE_SEATS"
    ADD_UNASSIGNED = "ADD_UNASSIGNED"
    REMOVE_UNASSIGNED = "REMOVE_UNASSIGNED"


@dataclass(frozen=True, slots=True)
class Change:
    """A change from an instant on: `quantity` units or unassigned seats, or `seat_ids`."""

    starting_at: datetime
    kind: ChangeKind
    quantity: Decimal = ZERO
    seat_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "starting_at", utc(self.starting_at, "starting_at"))
        checked(self.quantity, "quantity", least=None if self.kind is ChangeKind.DELTA else ZERO)


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds from an instant on: assigned seats by id, and how many units beside them (unassigned seats)."""

    starting_at: datetime
    assigned: tuple[str, ...] = ()
    unassigned: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """What is billed."""
        return add(Decimal(len(self.assigned)), self.unassigned)

    def after(self, change: Change) -> "Standing":
        """What holds once the change has happened. Raises InvalidTerms for a quantity below 0."""
        at = change.starting_at
        if change.kind in (ChangeKind.SET, ChangeKind.DELTA):
            wanted = change.quantity if change.kind is ChangeKind.SET else add(self.total, change.quantity)
            if wanted < ZERO:
                raise InvalidTerms("the quantity would fall below 0", "quantity_delta")
            rest = add(wanted, Decimal(-len(self.assigned)))
            return Standing(at, self.assigned, max(rest, ZERO))
        if self.unassigned != self.unassigned.to_integral_value():
            raise InvalidTerms("seats are whole", "quantity")
        seats = _seats_after(Seats(self.assigned, int(self.unassigned)), change)
        return Standing(at, seats.assigned, Decimal(seats.unassigned))


def _seats_after(seats: Seats, change: Change) -> Seats:
    if change.kind is ChangeKind.ADD_SEATS:
        return seats.add(change.seat_ids)
    if change.kind is ChangeKind.REMOVE_SEATS:
        return seats.remove(change.seat_ids)
    if change.kind is ChangeKind.ADD_UNASSIGNED:
        return seats.add_unassigned(int(change.quantity))
    return seats.remove_unassigned(int(change.quantity))


def history(changes: Iterable[Change]) -> tuple[Standing, ...]:
    """What held when, in order of time, each differing from the one before.

    Changes count in order of time; those of one instant in the order given. A change in the past therefore bears on
    all that follows it, up to the next SET. Raises InvalidTerms for a quantity below 0 at any time.
    """
    found: list[Standing] = []
    for change in sorted(changes, key=lambda entry: entry.starting_at):
        before = found[-1] if found else Standing(change.starting_at)
        after = before.after(change)
        if found and before.starting_at == change.starting_at:
            found.pop()
        found.append(after)
    kept: list[Standing] = []
    for standing in found:
        if not kept or (kept[-1].assigned, kept[-1].unassigned) != (standing.assigned, standing.unassigned):
            kept.append(standing)
    return tuple(kept)


def standing_at(found: Sequence[Standing], instant: datetime) -> Standing | None:
    """What holds at an instant; None before the first."""
    held = None
    for standing in found:
        if standing.starting_at <= instant:
            held = standing
    return held


def quantities(found: Sequence[Standing]) -> tuple[Quantity, ...]:
    """The totals over time."""
    return tuple(Quantity(standing.starting_at, standing.total) for standing in found)
