"""Invoices as rows of a table on the pages across apps."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.safestring import SafeString

from billing.types import InvoiceView
from engine.invoice_states import InvoiceStatus
from invoices.admin import status_badge
from invoices.models import InvoiceListing
from invoices.parties import buyer_of, contract_name_of


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice with its state and what it comes to: as stored; for a draft as composed now, else as last kept.

    `total` is None for a draft that was never composed; `as_of` says when a draft's total was true.
    """

    invoice: InvoiceListing
    badge: SafeString
    total: Decimal | None
    as_of: datetime | None

    @property
    def customer(self) -> str:
        """The customer's name; on what was issued, as it was then."""
        return buyer_of(self.invoice).name

    @property
    def contract(self) -> str:
        """The contract's name; on what was issued, as it was then."""
        return contract_name_of(self.invoice)


def invoice_table(invoices: Iterable[InvoiceListing], composed: Iterable[InvoiceView] = ()) -> list[InvoiceRow]:
    """Rows for these invoices. Drafts among `composed` show that total, so that one page says one number."""
    live = {view.id: view for view in composed}
    return [_row(invoice, live.get(invoice.pk)) for invoice in invoices]


def _row(invoice: InvoiceListing, live: InvoiceView | None) -> InvoiceRow:
    badge = status_badge(invoice)
    if invoice.status != InvoiceStatus.DRAFT:
        return InvoiceRow(invoice, badge, invoice.total, None)
    if live is not None:
        return InvoiceRow(invoice, badge, live.total, live.as_of)
    return InvoiceRow(invoice, badge, invoice.draft_total, invoice.draft_total_at)
