"""What a second person approved about customers (`registry.GatedAct`): the same service, with the reason given."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import Conflict
from customers.models import Customer
from customers.selectors import get_customer
from customers.services import archive_customer


def carry_out_archive(subject_id: UUID, _parameters: dict[str, Any], reason: str, now: datetime) -> Customer:
    """Archives the customer. Raises NotFound, Conflict where somebody has archived it meanwhile."""
    if get_customer(customer_id=subject_id).archived_at is not None:
        raise Conflict("the customer is archived already")
    return archive_customer(customer_id=subject_id, now=now, reason=reason)
