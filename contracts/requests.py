"""What a second person approved about contracts (`registry.GatedAct`): the same services, with what was asked for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.models import Contract
from contracts.selectors import find_contract
from contracts.services.contracts import archive_contract, update_end_date


def carry_out_archive(subject_id: UUID, parameters: dict[str, Any], reason: str, now: datetime) -> Contract:
    """Archives the contract, with its finalized invoices if that was asked for. Raises as `archive_contract`."""
    contract = find_contract(Contract.objects.all(), subject_id, None)
    return archive_contract(
        contract_id=contract.pk,
        customer_id=contract.customer_id,
        void_invoices=parameters["void_invoices"],
        now=now,
        reason=reason,
    )


def carry_out_change_end(subject_id: UUID, parameters: dict[str, Any], reason: str, now: datetime) -> Contract:
    """Moves the contract's end to where it was asked for. Raises as `update_end_date`."""
    contract = find_contract(Contract.objects.all(), subject_id, None)
    end: str | None = parameters["ending_before"]
    return update_end_date(
        contract_id=contract.pk,
        customer_id=contract.customer_id,
        ending_before=None if end is None else datetime.fromisoformat(end),
        now=now,
        allow_ending_before_finalized_invoice=not parameters["keep_finalized"],
        reason=reason,
    )
