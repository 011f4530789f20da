"""What a second person approved about invoices (`registry.GatedAct`): the same services, with the reason given."""

from datetime import datetime
from typing import Any
from uuid import UUID

from invoices.models import Invoice, InvoiceListing
from invoices.services.void import regenerate_invoice, void_invoice


def carry_out_void(subject_id: UUID, _parameters: dict[str, Any], reason: str, now: datetime) -> Invoice:
    """Voids the invoice. Raises as `void_invoice`: Conflict where somebody has voided it meanwhile."""
    return void_invoice(invoice_id=subject_id, now=now, reason=reason)


def carry_out_regenerate(subject_id: UUID, _parameters: dict[str, Any], reason: str, now: datetime) -> InvoiceListing:
    """Bills the void invoice's period again. Raises as `regenerate_invoice`."""
    return regenerate_invoice(invoice_id=subject_id, now=now, reason=reason)
