"""Writes of contracts' named schedules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.events import ContractNamedScheduleUpdated
from contracts.services.recording import lock_contract
from core import audit
from core.events import publish
from core.named_schedules import detail_of, set_value
from core.transactions import use_case


def update_named_schedule(*, contract_id: UUID, customer_id: UUID, now: datetime, **change: Any) -> None:
    """Sets a value of a contract's schedule (`core.named_schedules.set_value`). Raises NotFound, InvalidInput."""
    with use_case():
        contract = lock_contract(contract_id=contract_id, customer_id=customer_id)
        made = set_value(contract.named_schedule_entries, now=now, **change)
        publish(
            ContractNamedScheduleUpdated(
                contract_id=contract.pk,
                customer_id=contract.customer_id,
                occurred_at=now,
                schedule_name=made.name,
                starting_at=made.starting_at,
                ending_before=made.ending_before,
                value=made.value,
            )
        )
        audit.record("contract.update_named_schedule", contract, at=now, detail=detail_of(made))
