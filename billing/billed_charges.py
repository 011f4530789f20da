"""Which charges stand on which billing period, open or closed; its id is the invoice's."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from billing.models import BilledCharge
from charges.models import Charge
from charges.selectors import list_pending_charges


def charges_on(period_id: UUID) -> QuerySet[Charge]:
    """The charges that a period holds; a voided one that was reopened holds none."""
    return Charge.objects.filter(billed__period_id=period_id, billed__moved_at__isnull=True)


def list_uncollected_charges(*, contract_id: UUID) -> QuerySet[Charge]:
    """What the contract's invoices are to ask for and no period holds yet, by date."""
    held = BilledCharge.objects.filter(charge=OuterRef("pk"), moved_at__isnull=True)
    rows = list_pending_charges(contract_id=contract_id).exclude(Exists(held))
    return rows.select_related("credit_type").order_by("invoice_at", "id")


def invoice_ids_of(charge_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The invoice that holds each of these charges; those on none are left out (charges.invoice_lookup)."""
    rows = BilledCharge.objects.filter(charge__in=charge_ids, moved_at__isnull=True)
    return dict(rows.values_list("charge_id", "period_id"))
