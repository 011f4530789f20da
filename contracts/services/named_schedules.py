"""Writes of contracts' named schedules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.services.contracts import lock_contract
from core.named_schedules import set_value
from core.transactions import use_case


def update_named_schedule(*, contract_id: UUID, customer_id: UUID, now: datetime, **change: Any) -> None:
    """Sets a value of a contract's schedule (`core.named_schedules.set_value`). Raises NotFound, InvalidInput."""
    with use_case():
        contract = lock_contract(contract_id=contract_id, customer_id=customer_id)
        set_value(contract, contract.named_schedule_entries, now=now, **change)
