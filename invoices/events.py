"""What becomes of invoices. Amounts are exact, in the stored unit of `credit_type_id` (cents for USD)."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceEvent(DomainEvent):
    """Base of events about an invoice."""

    SUBJECT = ("invoice", "invoice_id")

    invoice_id: UUID
    customer_id: UUID
    contract_id: UUID
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFinalized(InvoiceEvent):
    """It has its number and never changes from now on."""

    name = "invoice.finalized"
    title = "Invoice finalized"

    total: Decimal
    credit_type_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceVoided(InvoiceEvent):
    """It does not count any more; its lines and its number stay."""

    name = "invoice.voided"
    title = "Invoice voided"
