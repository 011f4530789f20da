"""What the seller knows of the story's customers besides what they use: on paper, at Stripe, in its own notes."""

from datetime import datetime
from uuid import UUID

from core.custom_fields import add_key, list_keys, set_values
from customers.parties import PartyDetails, TaxId, set_party
from customers.providers import NewProviderConfiguration, set_configurations
from demo.story import NOTES, Customer


def make_keys(*, now: datetime) -> None:
    """The keys of the notes, once."""
    known = set(list_keys(entities_=["customer"]).values_list("key", flat=True))
    for key in NOTES:
        if key not in known:
            add_key(entity="customer", key=key, enforce_uniqueness=key == "crm_id", now=now)


def put_on_paper(customer: Customer, *, customer_id: UUID, now: datetime) -> None:
    """A new customer's party details, its account at Stripe, and the notes on it."""
    if (paper := customer.paper) is not None:
        details = PartyDetails(
            legal_name=paper.legal_name,
            lines=paper.lines,
            city=paper.city,
            postal_code=paper.postal_code,
            country=paper.country,
            tax_ids=(TaxId(*paper.tax_id),),
            invoice_emails=(paper.email,),
            po_number=paper.po_number,
        )
        set_party(customer_id=customer_id, details=details, now=now)
    if customer.stripe_id:
        configuration = {"stripe_customer_id": customer.stripe_id, "stripe_collection_method": "charge_automatically"}
        set_configurations(new=[NewProviderConfiguration(customer_id, "stripe", configuration)], now=now)
    if customer.notes:
        set_values(entity="customer", entity_id=customer_id, values=dict(customer.notes), now=now)
