"""Reads of hierarchies: a parent contract, its children, and who pays for whom (docs/algorithms/hierarchy.md)."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from contracts.models import Contract


def payer_of_child(contract: Contract) -> tuple[UUID, UUID] | None:
    """The contract and the customer that pay a child contract's invoices; None for one that is no child. No query."""
    if contract.parent_id is None:
        return None
    if contract.paying_customer_id is None:
        return contract.pk, contract.customer_id
    return contract.parent_id, contract.paying_customer_id


def paying_parent_id(contract: Contract) -> str | None:
    """The parent that pays for a child contract; None where it pays itself. No query."""
    return None if contract.paying_customer_id is None else str(contract.parent_id)


def parents_and_children(contract_ids: Iterable[UUID]) -> dict[UUID, tuple[Contract | None, list[Contract]]]:
    """By contract: itself with its parent if it is a child (else None), and its children, oldest first. Two queries."""
    ids = list(contract_ids)
    own = Contract.objects.filter(pk__in=ids, parent__isnull=False).select_related("parent").in_bulk()
    children: dict[UUID, list[Contract]] = defaultdict(list)
    for child in Contract.objects.filter(parent__in=ids).order_by("created_at", "pk"):
        if child.parent_id is not None:
            children[child.parent_id].append(child)
    return {one: (own.get(one), children.get(one, [])) for one in ids}


def paid_children(customer_id: UUID, contract_id: UUID | None = None) -> set[UUID]:
    """The child contracts that a customer pays for; with `contract_id` that contract's alone. One query."""
    rows = Contract.objects.filter(paying_customer_id=customer_id)
    return set((rows if contract_id is None else rows.filter(parent_id=contract_id)).values_list("pk", flat=True))


def paid_customers(customer_id: UUID) -> list[UUID]:
    """The other customers with child contracts that this one pays for, at most nine for each parent. One query."""
    rows = Contract.objects.filter(paying_customer_id=customer_id).order_by("customer_id")
    return list(rows.values_list("customer_id", flat=True).distinct())
