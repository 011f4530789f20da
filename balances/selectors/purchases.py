"""What is to be charged for balances, as invoices need it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from balances.models import Balance, InvoiceItem, Segment
from catalog.selectors import state_at
from engine.money import mul


@dataclass(frozen=True, slots=True)
class Purchase:
    """A charge for a commit. A postpaid one is its true-up: `obligation` is the segment that says what is owed."""

    item_id: UUID
    invoice_id: UUID | None
    balance_id: UUID
    kind: str
    product_id: UUID
    name: str
    timestamp: datetime
    unit_price: Decimal
    quantity: Decimal
    obligation: Segment | None

    @property
    def amount(self) -> Decimal:
        """Exact, in the stored unit of the invoice."""
        return mul(self.unit_price, self.quantity)


def waiting_items(*, contract_id: UUID) -> QuerySet[InvoiceItem]:
    """What is to be charged on the contract's invoices and stands on none yet, by time."""
    return (
        InvoiceItem.objects.filter(
            invoice_id__isnull=True, removed_at__isnull=True, owner__invoice_contract_id=contract_id,
            owner__archived_at__isnull=True, owner__do_not_invoice=False,
        )
        .exclude(owner__kind=Balance.Kind.POSTPAID, owner__true_up_disabled=True)
        .select_related("owner")
        .order_by("timestamp", "id")
    )  # fmt: skip


def purchases_of(invoice_ids: Iterable[UUID]) -> dict[UUID, list[Purchase]]:
    """The charges that stand on these invoices, by invoice, in order of time and adding. A handful of queries."""
    rows = (
        InvoiceItem.objects.filter(invoice_id__in=list(invoice_ids), removed_at__isnull=True)
        .select_related("owner__product")
        .prefetch_related("owner__product__versions", "owner__segments")
        .order_by("timestamp", "owner__created_at", "id")
    )
    found: dict[UUID, list[Purchase]] = {}
    for row in rows:
        if row.invoice_id is not None:
            found.setdefault(row.invoice_id, []).append(_purchase(row))
    return found


def _purchase(row: InvoiceItem) -> Purchase:
    owner = row.owner
    name = owner.name or state_at(list(owner.product.versions.all()), row.timestamp).name
    obligation = None
    if owner.kind == Balance.Kind.POSTPAID:
        obligation = next(segment for segment in owner.segments.all() if segment.removed_at is None)
    return Purchase(
        row.pk, row.invoice_id, owner.pk, owner.kind, owner.product_id, name, row.timestamp, row.unit_price,
        row.quantity, obligation,
    )  # fmt: skip
