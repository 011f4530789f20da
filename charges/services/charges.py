"""Every write of charges. Whoever writes holds the lock of the contract that is to be invoiced, or of the source."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from charges.models import Charge
from charges.selectors import terms_of
from core.errors import Conflict
from core.transactions import require_transaction
from engine.charge_states import NEXT, OPEN, ChargeAmount, ChargeSource, ChargeState, ChargeTerms, settled


@dataclass(frozen=True, slots=True)
class NewCharge:
    """A charge to add. `ordinal`: its number in its source's schedule; `waived`: no invoice of ours asks for it.

    `name`: "" for what the product is called at the time.
    """

    customer_id: UUID
    contract_id: UUID | None
    source: ChargeSource
    source_id: UUID
    ordinal: int
    product_id: UUID
    credit_type_id: UUID
    terms: ChargeTerms
    name: str = ""
    waived: bool = False
    id: UUID = field(default_factory=uuid4)


def add_charges(*, new: Iterable[NewCharge], now: datetime) -> list[Charge]:
    """Stores charges, PENDING or WAIVED, in one statement.

    Raises IntegrityError (`charge_once_per_schedule_item`) where one stands already under its source and ordinal.
    """
    require_transaction()
    return Charge.objects.bulk_create(
        Charge(
            id=one.id,
            customer_id=one.customer_id,
            contract_id=one.contract_id,
            source=one.source.value,
            source_id=one.source_id,
            ordinal=one.ordinal,
            product_id=one.product_id,
            name=one.name,
            credit_type_id=one.credit_type_id,
            amount_type=one.terms.amount_type.value,
            state=(ChargeState.WAIVED if one.waived else ChargeState.PENDING).value,
            created_at=now,
            **_columns(one.terms),
        )
        for one in new
    )


def reprice_charge(charge: Charge, *, terms: ChargeTerms) -> None:
    """Gives a charge that no final or void invoice names other terms; drafts follow when they are collected.

    Raises Conflict for one that an invoice names or that was taken back.
    """
    require_transaction()
    if ChargeState(charge.state) not in OPEN:
        raise Conflict(f"the charge is {charge.state}; its terms stand")
    if terms == terms_of(charge):
        return
    changed = _columns(terms)
    for name, value in changed.items():
        setattr(charge, name, value)
    charge.save(update_fields=list(changed))


def describe_charges(*, described: Mapping[UUID, tuple[UUID, str]]) -> None:
    """What is charged is called otherwise from now on, or is another product; lines of final invoices stay.

    `described`: product and name by source. Two statements, however many; none for none.
    """
    require_transaction()
    if not described:
        return
    rows = Charge.objects.filter(source_id__in=described).exclude(state=ChargeState.CANCELED.value)
    changed = [row for row in rows if (row.product_id, row.name) != described[row.source_id]]
    for row in changed:
        row.product_id, row.name = described[row.source_id]
    Charge.objects.bulk_update(changed, ["product", "name"], batch_size=1000)


def cancel_charges(*, charges: Collection[Charge], now: datetime) -> None:
    """Takes charges back that no final or void invoice names. Raises Conflict if one does."""
    _move(charges, ChargeState.CANCELED, canceled_at=now)


def waive_charges(*, charges: Collection[Charge]) -> None:
    """No invoice asks for these any more, though they stand in the schedule. Raises Conflict if one has."""
    _move(charges, ChargeState.WAIVED)


def invoice_charges(
    *, amounts: Mapping[UUID, Decimal], now: datetime, shares: Mapping[UUID, Decimal] = MappingProxyType({})
) -> None:
    """Notes that an invoice with these charges is final. `amounts`: what it asks for each, exact. `shares`: the whole
    amounts of those that are one of several instalments and not whole by themselves.

    Raises Conflict for a charge that is not PENDING, InvalidTerms for an amount that its terms do not allow.
    """
    require_transaction()
    rows = list(Charge.objects.filter(pk__in=list(amounts)))
    asked = {row.pk: settled(terms_of(row), amounts[row.pk]) for row in rows}
    fixed = [row for row in rows if row.amount_type == ChargeAmount.FIXED.value]
    _move([row for row in fixed if row.pk not in shares], ChargeState.INVOICED, invoiced_at=now)
    for row in rows:
        if row.amount_type == ChargeAmount.FIXED.value and row.pk in shares:
            _move([row], ChargeState.INVOICED, invoiced_at=now, invoiced_amount=shares[row.pk])
        if row.amount_type == ChargeAmount.SETTLED.value:
            _move([row], ChargeState.INVOICED, invoiced_at=now, amount=asked[row.pk])


def void_charges(*, charge_ids: Collection[UUID]) -> None:
    """The invoice that held these is void: they wait until it is regenerated. What was settled is open again.

    Raises Conflict for a charge that is not INVOICED.
    """
    rows = list(Charge.objects.filter(pk__in=charge_ids))
    fixed = [row for row in rows if row.amount_type == ChargeAmount.FIXED.value]
    _move(fixed, ChargeState.VOIDED, invoiced_amount=None)
    _move([row for row in rows if row.amount_type == ChargeAmount.SETTLED.value], ChargeState.VOIDED, amount=None)


def reopen_charges(*, charge_ids: Collection[UUID]) -> None:
    """The void invoice that held these is made anew: they are to be invoiced again.

    Raises Conflict for a charge that is not VOIDED.
    """
    _move(list(Charge.objects.filter(pk__in=charge_ids)), ChargeState.PENDING, invoiced_at=None)


def _move(charges: Collection[Charge], to: ChargeState, **columns: Any) -> None:
    require_transaction()
    for charge in charges:
        if to not in NEXT[ChargeState(charge.state)]:
            raise Conflict(f"the charge is {charge.state}; it cannot become {to.value}")
    if charges:
        Charge.objects.filter(pk__in=[charge.pk for charge in charges]).update(state=to.value, **columns)
    for charge in charges:
        charge.state = to.value
        for name, value in columns.items():
            setattr(charge, name, value)


def _columns(terms: ChargeTerms) -> dict[str, Any]:
    period = terms.service_period
    return {
        "unit_price": terms.unit_price,
        "quantity": terms.quantity,
        "amount": terms.amount,
        "invoice_at": terms.invoice_at,
        "service_start": None if period is None else period.start,
        "service_end": None if period is None else period.end,
    }
