"""Who issued a document and to whom, as they were when it was issued; of a draft, as they are now."""

from collections.abc import Mapping
from typing import Any

from billing.parties import current_buyer, current_seller
from billing.types import Party
from invoices.models import Invoice, InvoiceListing


def seller_of(invoice: Invoice | InvoiceListing) -> Party:
    """Who issued the document; of a draft, who would issue it now."""
    return current_seller() if invoice.seller is None else _party(invoice.seller)


def buyer_of(invoice: Invoice | InvoiceListing) -> Party:
    """To whom the document was issued; of a draft, to whom it would be now."""
    if invoice.buyer is not None:
        return _party(invoice.buyer)
    return current_buyer(invoice.contract.paying_customer or invoice.customer)


def contract_name_of(invoice: Invoice | InvoiceListing) -> str:
    """The contract's name when the document was issued; of a draft, its name now."""
    return str(invoice.contract) if invoice.buyer is None else invoice.contract_name


def _party(kept: Mapping[str, Any]) -> Party:
    return Party(
        kept["name"], tuple(kept["address_lines"]), kept["email"], tuple(kept["tax_ids"]), kept.get("po_number", "")
    )
