"""A new contract's place in a hierarchy: set when it is made, for ever (docs/algorithms/hierarchy.md)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypedDict
from uuid import UUID

from contracts.models import Contract
from core.errors import Conflict, InvalidInput
from core.transactions import require_transaction
from customers.models import Customer

MOST: Final = 10
WHERE: Final = "hierarchy_configuration.parent"


@dataclass(frozen=True, slots=True)
class ParentOf:
    """The parent that a new contract is to have, and whether it pays for it."""

    contract_id: UUID
    customer_id: UUID
    pays: bool


class Place(TypedDict):
    """Columns of a contract: its parent, and that one's customer if it pays."""

    parent: Contract | None
    paying_customer_id: UUID | None


def place(customer: Customer, *, asked: ParentOf | None, starting_at: datetime, renews: Contract | None) -> Place:
    """The place of a contract of `customer` that is about to be made; its parent is locked.

    Raises InvalidInput for one that cannot be, Conflict where the hierarchy is full.
    """
    if asked is None:
        return {"parent": None, "paying_customer_id": None}
    require_transaction()
    parent = Contract.objects.select_for_update().filter(pk=asked.contract_id, customer_id=asked.customer_id).first()
    if parent is None:
        raise InvalidInput("that customer has no such contract: name the parent's own customer", field=WHERE)
    if parent.customer_id == customer.pk:
        raise InvalidInput("must be a contract of another customer", field=f"{WHERE}.customer_id")
    if parent.parent_id is not None:
        raise InvalidInput(
            f"is a child itself: a hierarchy has one level, so name its parent {parent.parent_id}",
            field=f"{WHERE}.contract_id",
        )
    ended = parent.ending_before is not None and parent.ending_before <= starting_at
    if parent.archived_at is not None or parent.starting_at > starting_at or ended:
        raise InvalidInput("is not in force when this contract starts", field=f"{WHERE}.contract_id")
    if Contract.objects.filter(parent=parent).count() >= MOST - 1:
        raise Conflict(f"{WHERE}: a hierarchy has at most {MOST} contracts, and this parent's is full")
    if asked.pays and renews is not None and renews.paying_customer_id != parent.customer_id:
        raise InvalidInput(
            "cannot be PARENT where it renews a contract that paid otherwise: create it without a transition",
            field="hierarchy_configuration.payer",
        )
    return {"parent": parent, "paying_customer_id": parent.customer_id if asked.pays else None}


def told_of(contract: Contract) -> dict[str, Any]:
    """A child's place, for the audit trail; nothing of other contracts."""
    if contract.parent_id is None:
        return {}
    payer = "SELF" if contract.paying_customer_id is None else "PARENT"
    return {"hierarchy": {"parent": str(contract.parent_id), "payer": payer}}


def refuse_to_leave_children(contract: Contract) -> None:
    """Raises Conflict for a parent that still pays for children."""
    child = Contract.objects.filter(parent=contract, paying_customer__isnull=False, archived_at__isnull=True).first()
    if child is not None:
        raise Conflict(f"contract {contract.pk} pays for its child {child.pk}: archive the child first")


def refuse_own_balances(contract: Contract, *, field: str) -> None:
    """Raises InvalidInput for a contract that its parent pays for: what it bought could never pay."""
    if contract.paying_customer_id is not None:
        raise InvalidInput(
            f"the parent pays for this contract: add it to contract {contract.parent_id} with"
            " hierarchy_configuration.child_access",
            field=field,
        )
