"""Which child contracts may draw on a commit or credit of who pays for them (docs/algorithms/hierarchy.md)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from contracts.selectors.hierarchy import paid_children
from engine.errors import InvalidTerms


def check_child_access(access: Mapping[str, Any] | None, *, customer_id: UUID, contract_id: UUID | None) -> None:
    """Raises InvalidTerms naming a contract that is no child which the customer pays for; of `contract_id`, if given.

    One query where contracts are named, none else.
    """
    named = (access or {}).get("contract_ids", ())
    known = paid_children(customer_id, contract_id) if named else set()
    for index, child_id in enumerate(named):
        if UUID(child_id) not in known:
            raise InvalidTerms(
                "is no child contract that this customer pays for: create it with payer PARENT first",
                f"hierarchy_configuration.child_access.contract_ids.{index}",
            )
