"""Reads of quotes."""

from datetime import datetime
from uuid import UUID

from engine.plan_changes import Operation, Quantities
from plans.models import PlanQuote


def open_quote(
    *,
    contract_id: UUID,
    operation: Operation,
    package_id: str | None,
    when: str | None,
    unused: str | None,
    quantities: str | None,
    made_by: str,
    now: datetime,
) -> PlanQuote | None:
    """The latest quote that this person was shown of the same change and that still stands. One query."""
    rows = PlanQuote.objects.filter(
        contract_id=contract_id, operation=operation.value, asked_when=when or "",
        quantities=quantities or Quantities.PACKAGE.value,
        created_by=made_by, confirmed_at__isnull=True, expires_at__gte=now,
    )  # fmt: skip
    if package_id is not None:
        rows = rows.filter(package_id=package_id)
    return (rows.filter(unused=unused) if unused else rows).order_by("-created_at").first()
