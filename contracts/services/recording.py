"""What every write of contracts shares: the root lock, and the one place from which their events go out."""

from typing import Any, TypedDict
from uuid import UUID

from contracts.events import ContractEvent
from contracts.models import Contract
from contracts.selectors.contracts import find_contract
from core import audit
from core.events import publish
from core.transactions import require_transaction


class ContractIds(TypedDict):
    """Whose event it is."""

    contract_id: UUID
    customer_id: UUID


def lock_contract(*, contract_id: UUID, customer_id: UUID | None = None) -> Contract:
    """The contract, locked for this transaction: the root lock of everything billed under it. Raises NotFound."""
    require_transaction()
    return find_contract(Contract.objects.select_for_update(), contract_id, customer_id)


def ids_of(contract: Contract) -> ContractIds:
    """What every event about a contract begins with."""
    return {"contract_id": contract.pk, "customer_id": contract.customer_id}


def record_event(contract: Contract, *, event: ContractEvent, detail: dict[str, Any], reason: str = "") -> None:
    """The one place from which events about contracts go out; `detail` is for the audit trail."""
    audit.record(event.name, contract, at=event.occurred_at, detail=detail, reason=reason)
    publish(event)
