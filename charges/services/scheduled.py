"""Scheduled charges and discounts of contracts: agreed with them or by their edits. The contract is locked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, cast
from uuid import UUID

from django.db.models import Max

from catalog.models import CreditType, Product
from charges.models import Charge, Discount, ScheduledCharge
from charges.selectors import list_charges, next_ordinal
from charges.services.charges import NewCharge, add_charges, cancel_charges
from charges.services.schedules import RecurringSchedule, ScheduleChange, change_items, is_open, items_of
from contracts.events import ContractArchived, ContractEndChanged
from contracts.models import Contract, ContractEdit
from contracts.services import lock_contract
from core import audit
from core.errors import InvalidInput
from core.transactions import require_transaction
from engine.charge_states import ChargeAmount, ChargeSource, ChargeTerms
from engine.errors import InvalidTerms
from engine.schedules import ScheduleItem

S = TypeVar("S", bound=ScheduledCharge | Discount)
USD = UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")


@dataclass(frozen=True, slots=True)
class NewScheduled:
    """A scheduled charge or discount to add. `items`: (timestamp, unit price, quantity), in the unit's stored amounts;
    `credit_type_id` None: US cents.
    """

    product_id: UUID
    items: tuple[tuple[datetime, Decimal, Decimal], ...] = ()
    recurring: RecurringSchedule | None = None
    credit_type_id: UUID | None = None
    do_not_invoice: bool = False
    name: str = ""
    custom_fields: dict[str, str] = field(default_factory=dict)
    netsuite_sales_order_id: str = ""


@dataclass(frozen=True, slots=True)
class ScheduledUpdate:
    """A scheduled charge to change: what of its schedule, and by name, which of its columns."""

    scheduled_charge_id: UUID
    schedule: ScheduleChange = field(default_factory=ScheduleChange)
    fields: dict[str, Any] = field(default_factory=dict)


def add_scheduled(
    contract: Contract,
    *,
    kind: type[S],
    new: Sequence[NewScheduled],
    path: str,
    now: datetime,
    edit: ContractEdit | None = None,
) -> list[S]:
    """Adds scheduled charges, or discounts, with the charges of their dates. Raises InvalidInput below `path`."""
    require_transaction()
    if not new:
        return []
    units = CreditType.objects.in_bulk({one.credit_type_id or USD for one in new})
    products = Product.objects.in_bulk({one.product_id for one in new})
    first = (kind.objects.filter(contract=contract).aggregate(last=Max("sequence"))["last"] or 0) + 1
    rows: list[S] = []
    charges: list[NewCharge] = []
    for index, one in enumerate(new):
        where = f"{path}.{index}"
        try:
            _check_product(products.get(one.product_id))
            unit = _unit(units.get(one.credit_type_id or USD))
            items = items_of(given=one.items, recurring=one.recurring, unit=unit, where="schedule")
            _check_dates(contract, items)
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"{where}.{error.field}") from error
        row = kind(
            contract=contract, sequence=first + index, product_id=one.product_id, name=one.name, credit_type=unit,
            do_not_invoice=one.do_not_invoice, custom_fields=one.custom_fields,
            netsuite_sales_order_id=one.netsuite_sales_order_id, created_at=now,
            created_by=audit.current_actor().label, added_by=edit,
        )  # fmt: skip
        rows.append(row)
        charges += _charges(contract, row, items, 1)
    cast("Any", kind).objects.bulk_create(rows)
    add_charges(new=charges, now=now)
    return rows


def change_scheduled(contract: Contract, *, updates: Sequence[ScheduledUpdate], path: str, now: datetime) -> None:
    """Changes scheduled charges as far as no final invoice holds their items. Raises InvalidInput below `path`."""
    require_transaction()
    rows = _standing(contract, [one.scheduled_charge_id for one in updates], path, "scheduled_charge_id")
    standing = list_charges(source_ids=list(rows))
    for index, one in enumerate(updates):
        row, where = rows[one.scheduled_charge_id], f"{path}.{index}"
        for name, value in one.fields.items():
            setattr(row, name, value)
        if one.fields:
            row.save(update_fields=list(one.fields))
        charges = {charge.pk: charge for charge in standing.get(row.pk, ())}
        try:
            change_items(charges, change=one.schedule, where="invoice_schedule", now=now)
            added = [ScheduleItem(**item) for item in one.schedule.add]
            _check_dates(contract, added, "invoice_schedule.add_schedule_items")
            moved = [ScheduleItem(charges[item_id].invoice_at, Decimal(0)) for item_id in one.schedule.update]
            _check_dates(contract, moved, "invoice_schedule.update_schedule_items")
        except (InvalidTerms, InvalidInput) as error:
            field_at = error.field or ""
            raise InvalidInput(error.message.removeprefix(f"{field_at}: "), field=f"{where}.{field_at}") from error
        if added:
            ordinal = next_ordinal(source=_source(row), source_id=row.pk)
            add_charges(new=_charges(contract, row, added, ordinal), now=now)


def archive_scheduled(contract: Contract, *, ids: Sequence[UUID], path: str, now: datetime) -> None:
    """Nothing more is charged for these; what final invoices hold stays. Raises InvalidInput below `path`."""
    require_transaction()
    rows = _standing(contract, ids, path, "id")
    _cancel([charge for charges in list_charges(source_ids=list(rows)).values() for charge in charges], now)
    ScheduledCharge.objects.filter(pk__in=list(rows)).update(archived_at=now)


def end_scheduled(event: ContractEndChanged) -> None:
    """Reaction: after an earlier end nothing more is charged or taken off.

    What is dated at the end itself stays only where it stands on the usage invoice that ends then: a fee of that date
    is for the time that follows. A later end brings nothing back.
    """
    require_transaction()
    contract = lock_contract(contract_id=event.contract_id)
    if contract.ending_before is None:
        return
    late = [
        charge
        for charge in _charges_of(contract)
        if charge.invoice_at > contract.ending_before
        or (charge.invoice_at == contract.ending_before and not contract.scheduled_charges_on_usage_invoices)
    ]
    _cancel(late, event.occurred_at)


def archive_scheduled_of_contract(event: ContractArchived) -> None:
    """Reaction: with its contract, what it still was to charge."""
    require_transaction()
    contract = lock_contract(contract_id=event.contract_id)
    _cancel(_charges_of(contract), event.occurred_at)
    for kind in (ScheduledCharge, Discount):
        kind.objects.filter(contract=contract, archived_at__isnull=True).update(archived_at=event.occurred_at)


def _charges_of(contract: Contract) -> list[Charge]:
    sources = [ChargeSource.SCHEDULED_CHARGE.value, ChargeSource.DISCOUNT.value]
    return list(Charge.objects.filter(contract=contract, source__in=sources, state="PENDING"))


def _cancel(charges: Sequence[Charge], now: datetime) -> None:
    cancel_charges(charges=[charge for charge in charges if is_open(charge)], now=now)


def _standing(contract: Contract, ids: Sequence[UUID], path: str, name: str) -> dict[UUID, ScheduledCharge]:
    rows = ScheduledCharge.objects.select_related("credit_type").filter(contract=contract, archived_at__isnull=True)
    found = rows.in_bulk(ids)
    for index, scheduled_id in enumerate(ids):
        if scheduled_id not in found:
            raise InvalidInput("the contract has no such scheduled charge", field=f"{path}.{index}.{name}")
    return found


def _charges(
    contract: Contract, row: ScheduledCharge | Discount, items: Sequence[ScheduleItem], first: int
) -> list[NewCharge]:
    amount_type = ChargeAmount.SETTLED if isinstance(row, Discount) else ChargeAmount.FIXED
    return [
        NewCharge(
            customer_id=contract.customer_id,
            contract_id=contract.pk,
            source=_source(row),
            source_id=row.pk,
            ordinal=ordinal,
            product_id=row.product_id,
            credit_type_id=row.credit_type_id,
            terms=ChargeTerms(item.timestamp, item.unit_price, item.quantity, amount_type),
            name=row.name,
            waived=row.do_not_invoice,
        )
        for ordinal, item in enumerate(items, first)
    ]


def _source(row: ScheduledCharge | Discount) -> ChargeSource:
    return ChargeSource.DISCOUNT if isinstance(row, Discount) else ChargeSource.SCHEDULED_CHARGE


def _check_product(product: Product | None) -> None:
    if product is None:
        raise InvalidTerms("no such product", "product_id")
    if product.type != Product.Type.FIXED:
        raise InvalidTerms("must be a FIXED product", "product_id")
    if product.archived_at is not None:
        raise InvalidTerms("the product is archived", "product_id")


def _unit(unit: CreditType | None) -> CreditType:
    if unit is None:
        raise InvalidTerms("no such credit type", "schedule.credit_type_id")
    if not unit.is_currency:
        raise InvalidTerms("must be a currency", "schedule.credit_type_id")
    return unit


def _check_dates(contract: Contract, items: Sequence[ScheduleItem], where: str = "schedule") -> None:
    """Nothing is charged after the contract's end."""
    end = contract.ending_before
    if end is not None and any(item.timestamp > end for item in items):
        raise InvalidTerms("an item lies after the contract's end; move the end first, or date it earlier", where)
