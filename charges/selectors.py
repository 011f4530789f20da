"""Reads of charges."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Max, QuerySet

from charges.models import Charge, Discount, ScheduledCharge
from engine.calendar import Period
from engine.charge_states import ChargeAmount, ChargeSource, ChargeState, ChargeTerms


def list_pending_charges(*, contract_id: UUID) -> QuerySet[Charge]:
    """What the contract's invoices are to ask for and no final one does, by date; drafts may hold it."""
    return Charge.objects.filter(contract_id=contract_id, state=ChargeState.PENDING.value)


def list_charges(*, source_ids: Collection[UUID]) -> dict[UUID, list[Charge]]:
    """The charges of these sources that were not taken back, by source, in order of date. One query, none for none."""
    found: dict[UUID, list[Charge]] = {}
    if source_ids:
        rows = Charge.objects.filter(source_id__in=source_ids).exclude(state=ChargeState.CANCELED.value)
        for row in rows.order_by("invoice_at", "id"):
            found.setdefault(row.source_id, []).append(row)
    return found


def places_of(charges: Collection[Charge]) -> dict[UUID, int]:
    """The place on their contract of the scheduled charges and discounts that these are of. A query for each kind."""
    found: dict[UUID, int] = {}
    kinds = ((ChargeSource.SCHEDULED_CHARGE, ScheduledCharge.objects), (ChargeSource.DISCOUNT, Discount.objects))
    for source, rows in kinds:
        if ids := {one.source_id for one in charges if one.source == source.value}:
            found |= dict(rows.filter(pk__in=ids).values_list("pk", "sequence"))
    return found


def next_ordinal(*, source: ChargeSource, source_id: UUID) -> int:
    """The number of the next charge in the schedule of its source; those taken back keep theirs."""
    rows = Charge.objects.filter(source=source.value, source_id=source_id)
    return (rows.aggregate(last=Max("ordinal"))["last"] or 0) + 1


def terms_of(charge: Charge) -> ChargeTerms:
    """A charge's terms as the engine knows them."""
    period = None
    if charge.service_start is not None and charge.service_end is not None:
        period = Period(charge.service_start, charge.service_end)
    return ChargeTerms(
        invoice_at=charge.invoice_at,
        unit_price=charge.unit_price,
        quantity=charge.quantity,
        amount_type=ChargeAmount(charge.amount_type),
        service_period=period,
    )
