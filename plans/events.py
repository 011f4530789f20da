"""What becomes of plans."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.events import ContractEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged(ContractEvent):
    """Another contract goes on from this one at `effective_at`, as it was quoted. `direction`: UP or DOWN."""

    name = "plan.changed"
    title = "Plan changed"

    quote_id: UUID
    direction: str
    effective_at: datetime
    new_contract_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCanceled(ContractEvent):
    """This contract ends at `effective_at`, and is not renewed."""

    name = "plan.canceled"
    title = "Plan canceled"

    quote_id: UUID
    effective_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanUncanceled(ContractEvent):
    """A cancellation was taken back before it took effect."""

    name = "plan.uncanceled"
    title = "Cancellation taken back"

    quote_id: UUID
