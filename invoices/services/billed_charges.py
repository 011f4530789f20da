"""The one writer of which invoice holds which charge. The caller holds the contract's lock."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q, QuerySet

from charges.services import reopen_charges, void_charges
from core.transactions import require_transaction
from engine.charge_states import ChargeState
from invoices.models import BilledCharge, Invoice


def hold_charges(*, holders: Mapping[UUID, UUID]) -> None:
    """Puts charges that no invoice holds onto drafts. `holders`: invoice by charge."""
    require_transaction()
    BilledCharge.objects.bulk_create(
        BilledCharge(charge_id=charge_id, invoice_id=invoice_id) for charge_id, invoice_id in holders.items()
    )


def release_charges(*, invoice_ids: list[UUID]) -> None:
    """What these drafts hold is on no invoice any more; it is collected anew, or the draft is about to go."""
    require_transaction()
    if invoice_ids:
        _on_drafts().filter(invoice_id__in=invoice_ids).delete()


def release_moved_charges(*, contract_id: UUID) -> None:
    """Takes off the contract's drafts what is not to be invoiced any more, or on another date."""
    require_transaction()
    gone = ~Q(charge__state=ChargeState.PENDING.value) | ~Q(charge__invoice_at=F("invoice__period_end"))
    _on_drafts().filter(gone, invoice__contract_id=contract_id).delete()


def void_charges_of(invoice: Invoice) -> None:
    """The invoice is void: its charges wait until it is made anew."""
    require_transaction()
    held = BilledCharge.objects.filter(invoice=invoice, moved_at__isnull=True)
    void_charges(charge_ids=list(held.values_list("charge_id", flat=True)))


def move_charges(old: Invoice, *, to: Invoice, now: datetime) -> None:
    """The charges of a void invoice stand on the draft that is made of it; the void one still says what it held."""
    require_transaction()
    held = BilledCharge.objects.filter(invoice=old, moved_at__isnull=True)
    charge_ids = list(held.values_list("charge_id", flat=True))
    held.update(moved_at=now)
    reopen_charges(charge_ids=charge_ids)
    hold_charges(holders=dict.fromkeys(charge_ids, to.pk))


def _on_drafts() -> QuerySet[BilledCharge]:
    return BilledCharge.objects.filter(invoice__status=Invoice.Status.DRAFT)
