"""The one writer of which billing period holds which charge. The caller holds the contract's lock."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q, QuerySet

from billing.models import BilledCharge, BillingPeriod
from charges.services import reopen_charges, void_charges
from core.transactions import require_transaction
from engine.charge_states import ChargeState
from engine.invoice_states import PeriodState


def hold_charges(*, holders: Mapping[UUID, UUID]) -> None:
    """Puts charges that no period holds onto open ones. `holders`: period by charge."""
    require_transaction()
    BilledCharge.objects.bulk_create(
        BilledCharge(charge_id=charge_id, period_id=period_id) for charge_id, period_id in holders.items()
    )


def release_charges(*, period_ids: list[UUID]) -> None:
    """What these open periods hold is on none any more; it is collected anew, or the period is about to go."""
    require_transaction()
    if period_ids:
        _on_open_periods().filter(period_id__in=period_ids).delete()


def release_moved_charges(*, contract_id: UUID) -> None:
    """Takes off the contract's open periods what is not to be invoiced any more, or on another date."""
    require_transaction()
    gone = ~Q(charge__state=ChargeState.PENDING.value) | ~Q(charge__invoice_at=F("period__period_end"))
    _on_open_periods().filter(gone, period__contract_id=contract_id).delete()


def void_charges_of(period: BillingPeriod) -> None:
    """The period's document is void: its charges wait until it is reopened."""
    require_transaction()
    held = BilledCharge.objects.filter(period=period, moved_at__isnull=True)
    void_charges(charge_ids=list(held.values_list("charge_id", flat=True)))


def move_charges(old: BillingPeriod, *, to: BillingPeriod, now: datetime) -> None:
    """The charges of a voided period stand on the one reopened in its place; the voided still says what it held."""
    require_transaction()
    held = BilledCharge.objects.filter(period=old, moved_at__isnull=True)
    charge_ids = list(held.values_list("charge_id", flat=True))
    held.update(moved_at=now)
    reopen_charges(charge_ids=charge_ids)
    hold_charges(holders=dict.fromkeys(charge_ids, to.pk))


def _on_open_periods() -> QuerySet[BilledCharge]:
    return BilledCharge.objects.filter(period__state=PeriodState.OPEN)
