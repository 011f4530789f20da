"""What parts of a contract go along into the one that renews it.

A `ContractPart` (contracts/parts.py) that keeps something of contracts which the next term has too also is a
`CarriedPart`; one that is none says thereby that nothing of it goes along.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from contracts.models import Contract
from engine.calendar import Period
from engine.renewals import Move, raised


@dataclass(frozen=True, slots=True)
class Carrying:
    """How a contract goes on: from its old term into the new one, prices times `factor` if its own go along.

    `ids`: the new id of each subscription, commit and credit that goes along, by its old one; parts add to it.
    """

    contract: Contract
    move: Move
    factor: Decimal
    ids: dict[UUID, UUID] = field(default_factory=dict)

    @property
    def term(self) -> Period:
        """The new one."""
        return self.move.new

    def goes_on(self, starting_at: datetime, ending_before: datetime | None) -> bool:
        """Whether something holds at the end of the old term; what ended before was for its own time only."""
        end = self.move.old.end
        return starting_at < end and (ending_before is None or ending_before >= end)

    def new_end(self, ending_before: datetime | None) -> datetime | None:
        """Where something that goes on ends: with the new term, or as long after it as after the old one."""
        if ending_before is None or ending_before == self.move.old.end:
            return None
        return self.move.at(ending_before)

    def price(self, price: Decimal) -> Decimal:
        """A price in the new term."""
        return raised(price, self.factor)


@runtime_checkable
class CarriedPart(Protocol):
    """A part of contracts that goes along."""

    def carry(self, how: Carrying) -> dict[str, Any]:
        """Its fields of the new contract's body, as if they had been read (`create_fields`)."""
        ...
