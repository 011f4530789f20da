"""What a contract charges and takes off by date, with the invoice of each date, and the provider its invoices go to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString

from backoffice.threshold_words import threshold_context
from catalog.models import CreditType
from catalog.selectors import state_at
from charges.invoice_lookup import invoice_ids_of
from charges.models import Discount, ScheduledCharge
from charges.selectors import list_charges
from contracts.models import Contract
from contracts.provider_part import ProvidersPart
from engine.money import mul
from invoices.models import InvoiceListing
from presentation import formatting, markup

MOST_DATES = 60


@dataclass(frozen=True, slots=True)
class DatedAmount:
    """One date of a charge or discount. `amount` in `unit`'s stored scale; `invoice`: the one that holds it, if any."""

    id: UUID
    name: str
    kind: str
    at: datetime
    amount: Decimal
    unit: CreditType
    invoice: InvoiceListing | None
    is_invoiced: bool
    is_first: bool

    @property
    def cell(self) -> SafeString:
        """The amount with its unit."""
        return markup.money(self.amount, self.unit)

    @property
    def can_be_taken_away(self) -> bool:
        """Whether its row leads to taking the charge away; discounts stay."""
        return self.is_first and self.kind == "Charge"


def dated_amounts(contract: Contract, at: datetime) -> list[DatedAmount]:
    """Charges, then discounts, in the order of adding, each by date. At most eight queries, however many there are."""
    sources: list[tuple[str, ScheduledCharge | Discount]] = []
    for kind, rows in (("Charge", ScheduledCharge.objects), ("Discount", Discount.objects)):
        living = rows.filter(contract=contract, archived_at__isnull=True)
        known = living.select_related("product", "credit_type").prefetch_related("product__versions")
        sources += [(kind, row) for row in known]
    dates = list_charges(source_ids=[row.pk for _, row in sources])
    holders = invoice_ids_of([one.pk for found in dates.values() for one in found])
    invoices = InvoiceListing.objects.in_bulk(set(holders.values())) if holders else {}
    return [
        DatedAmount(
            id=row.pk,
            name=row.name or state_at(list(row.product.versions.all()), at).name,
            kind=kind,
            at=one.invoice_at,
            amount=mul(one.unit_price, one.quantity),
            unit=row.credit_type,
            invoice=invoices.get(holders[one.pk]) if one.pk in holders else None,
            is_invoiced=not row.do_not_invoice,
            is_first=number == 0,
        )
        for kind, row in sources
        for number, one in enumerate(dates.get(row.pk, ()))
    ]


def providers(contract: Contract, at: datetime) -> dict[str, Any]:
    """Where its invoices are to go, from when to when, with what of it does not act yet. At most two queries."""
    told = ProvidersPart().terms([contract.pk], asked={}, at=at).get(contract.pk, {})
    entries = [
        {
            "name": entry["billing_provider_configuration"]["billing_provider"].replace("_", " "),
            "starting_at": entry["effective_at"],
            "ending_before": entry["effective_until"],
        }
        for entry in told.get("billing_provider_configuration_schedule", ())
    ]
    warnings = [
        f"A billing provider {message}." for message in dict.fromkeys(w["message"] for w in told.get("warnings", ()))
    ]
    return {"entries": entries, "warnings": warnings}


def context(contract: Contract, at: datetime) -> dict[str, Any]:
    """What the page shows of both."""
    found = dated_amounts(contract, at)
    return {
        "dated": found[:MOST_DATES],
        "more_dated": formatting.plural(len(found) - MOST_DATES, "date") if len(found) > MOST_DATES else "",
        "providers": providers(contract, at),
        "thresholds": threshold_context(contract, at),
    }
