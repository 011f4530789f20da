"""What is frozen when a document is issued: number and dates, the parties, the amounts, and the hash over all of it."""

from datetime import datetime
from typing import Final

from billing.parties import current_buyer, current_seller, party_json
from billing.types import DocumentAmounts, LineView
from core.transactions import require_transaction
from invoices.content_hash import content_hash
from invoices.models import Invoice
from invoices.services.numbering import give_number

CONTENT_VERSION: Final = 1
"""Which edition of a document's content is frozen: goes up whenever what is kept, or what the hash covers, changes."""


def freeze_document(invoice: Invoice, *, lines: tuple[LineView, ...], document: DocumentAmounts, now: datetime) -> None:
    """Freezes an invoice whose exact amounts are set, as one that is issued at `now`; the caller saves.

    `lines` and `document` are those of `invoices.selectors.document.document_of`.
    """
    require_transaction()
    invoice.content_version = CONTENT_VERSION
    invoice.seller = party_json(current_seller())
    invoice.buyer = party_json(current_buyer(invoice.contract.paying_customer or invoice.customer))
    invoice.contract_name = str(invoice.contract)
    invoice.document_subtotal = document.subtotal
    invoice.document_tax = document.tax
    invoice.document_total = document.total
    give_number(invoice, now=now)
    invoice.content_hash = content_hash(invoice, lines)
