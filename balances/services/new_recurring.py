"""What a recurring commit or credit is to be, as services take it."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from balances.models import DEFAULT_PRIORITY, AccessType
from engine.overrides import RateTarget
from engine.recurring import GrantProration


@dataclass(frozen=True, slots=True)
class NewRecurring:
    """A recurring commit or credit to add. `access` and `invoice` are (unit price, quantity) in stored units."""

    kind: str
    product_id: UUID
    starting_at: datetime
    access: tuple[Decimal, Decimal]
    ending_before: datetime | None = None
    duration: int = 1
    frequency: str = ""
    credit_type_id: UUID | None = None
    access_type: str = AccessType.SPEND
    invoice: tuple[Decimal, Decimal] | None = None
    invoice_credit_type_id: UUID | None = None
    proration: str = GrantProration.FIRST_AND_LAST
    proration_rounding: dict[str, Any] | None = None
    name: str = ""
    description: str = ""
    priority: Decimal = Decimal(DEFAULT_PRIORITY)
    rate_type: str = RateTarget.LIST_RATE
    rollover_fraction: Decimal | None = None
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    specifiers: tuple[dict[str, Any], ...] = ()
    netsuite_sales_order_id: str = ""
    # which child contracts may draw on what it issues, as on the wire
    child_access: dict[str, Any] | None = None
    # grants for the quantity of this subscription: POOLED or INDIVIDUAL
    subscription_id: UUID | None = None
    allocation: str = ""
    seat_increase_is_prorated: bool = True
    id: UUID = field(default_factory=uuid4)
