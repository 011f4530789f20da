"""Which charges stand on which invoice, draft, final or void."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from charges.models import Charge
from charges.selectors import list_pending_charges
from invoices.models import BilledCharge


def charges_on(invoice_id: UUID) -> QuerySet[Charge]:
    """The charges that an invoice holds; a void one that was made anew holds none."""
    return Charge.objects.filter(billed__invoice_id=invoice_id, billed__moved_at__isnull=True)


def list_uncollected_charges(*, contract_id: UUID) -> QuerySet[Charge]:
    """What the contract's invoices are to ask for and no draft holds yet, by date."""
    held = BilledCharge.objects.filter(charge=OuterRef("pk"), moved_at__isnull=True)
    rows = list_pending_charges(contract_id=contract_id).exclude(Exists(held))
    return rows.select_related("credit_type").order_by("invoice_at", "id")


def invoice_ids_of(charge_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The invoice that holds each of these charges; those on none are left out (charges.invoice_lookup)."""
    rows = BilledCharge.objects.filter(charge__in=charge_ids, moved_at__isnull=True)
    return dict(rows.values_list("charge_id", "invoice_id"))
