"""Who would issue a document now, and to whom."""

from typing import Any

from django.conf import settings

from billing.types import Party
from customers.models import Customer
from customers.parties import party_of


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
    """The customer's side: its legal name where one is known, and what else stands on paper."""
    details = party_of(customer)
    return Party(
        name=details.legal_name or customer.name,
        address_lines=details.address_lines,
        email=next(iter(details.invoice_emails), ""),
        tax_ids=tuple(one.value for one in details.tax_ids),
        po_number=details.po_number,
    )


def party_json(party: Party) -> dict[str, Any]:
    """A party as it is kept on a document and shown on the wire."""
    return {
        "name": party.name,
        "address_lines": list(party.address_lines),
        "email": party.email,
        "tax_ids": list(party.tax_ids),
        **({"po_number": party.po_number} if party.po_number else {}),
    }
