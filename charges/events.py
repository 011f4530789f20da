"""What becomes of scheduled charges and discounts."""

from dataclasses import dataclass
from uuid import UUID

from contracts.events import ContractEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledChargesChanged(ContractEvent):
    """What a contract charges or takes off by date is more, less or other than it was; ids of what was touched."""

    name = "contract.scheduled_charges_changed"
    title = "Scheduled charges changed"

    added_scheduled_charge_ids: tuple[UUID, ...] = ()
    changed_scheduled_charge_ids: tuple[UUID, ...] = ()
    archived_scheduled_charge_ids: tuple[UUID, ...] = ()
    added_discount_ids: tuple[UUID, ...] = ()
