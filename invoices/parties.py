"""Who issues a document and to whom: as they are now, and as they were when it was issued."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from customers.models import Customer
from invoices.models import Invoice
from invoices.types import Party


def current_seller() -> Party:
    """Our own side, from the settings."""
    tax_id = settings.TACTUS_COMPANY_TAX_ID
    return Party(
        name=settings.TACTUS_COMPANY_NAME,
        address_lines=tuple(settings.TACTUS_COMPANY_ADDRESS.splitlines()),
        email=settings.TACTUS_COMPANY_EMAIL,
        tax_ids=(tax_id,) if tax_id.strip() else (),
    )


def current_buyer(customer: Customer) -> Party:
    """The customer's side; customers have nothing but a name so far."""
    return Party(name=customer.name)


def seller_of(invoice: Invoice) -> Party:
    """Who issued the document; of a draft, who would issue it now."""
    return current_seller() if invoice.seller is None else _party(invoice.seller)


def buyer_of(invoice: Invoice) -> Party:
    """To whom the document was issued; of a draft, to whom it would be now."""
    return current_buyer(invoice.customer) if invoice.buyer is None else _party(invoice.buyer)


def contract_name_of(invoice: Invoice) -> str:
    """The contract's name when the document was issued; of a draft, its name now."""
    return str(invoice.contract) if invoice.buyer is None else invoice.contract_name


def party_json(party: Party) -> dict[str, Any]:
    """A party as it is kept on a document and shown on the wire."""
    return {
        "name": party.name,
        "address_lines": list(party.address_lines),
        "email": party.email,
        "tax_ids": list(party.tax_ids),
    }


def _party(kept: Mapping[str, Any]) -> Party:
    return Party(kept["name"], tuple(kept["address_lines"]), kept["email"], tuple(kept["tax_ids"]))
