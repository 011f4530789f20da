"""What is agreed to be invoiced by date: instalments of commits, scheduled charges and discounts alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from catalog.models import CreditType
from charges.models import Charge
from charges.selectors import terms_of
from charges.services.charges import cancel_charges, reprice_charge
from core.errors import InvalidInput
from engine.calendar import Frequency
from engine.charge_states import OPEN, ChargeState
from engine.errors import InvalidTerms
from engine.money import Currency, checked
from engine.schedules import Distribution, ScheduleItem, recurring_items

NAMED = (ChargeState.INVOICED.value, ChargeState.VOIDED.value)


@dataclass(frozen=True, slots=True)
class RecurringSchedule:
    """Instalments of a price over `[starting_at, ending_before)` (engine.schedules)."""

    frequency: str
    amount_distribution: str
    starting_at: datetime
    ending_before: datetime
    unit_price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """Items to add, to change and to remove. `update`: by item id, the fields that change."""

    add: tuple[dict[str, Any], ...] = ()
    update: Mapping[UUID, dict[str, Any]] = field(default_factory=dict)
    remove: tuple[UUID, ...] = ()


def items_of(
    *,
    given: Sequence[tuple[datetime, Decimal, Decimal]],
    recurring: RecurringSchedule | None,
    unit: CreditType,
    where: str,
) -> list[ScheduleItem]:
    """The items of a schedule: those that are given as (timestamp, unit price, quantity), or those that recur.

    Raises InvalidTerms naming the field below `where`.
    """
    items = []
    for index, (at, price, quantity) in enumerate(given):
        for name, value in (("unit_price", price), ("quantity", quantity)):
            checked(value, f"{where}.schedule_items.{index}.{name}")
        items.append(ScheduleItem(at, price, quantity))
    if recurring is None:
        return items
    if items:
        raise InvalidTerms("excludes schedule_items", f"{where}.recurring_schedule")
    try:
        return recurring_items(
            frequency=Frequency(recurring.frequency),
            distribution=Distribution(recurring.amount_distribution),
            starting_at=recurring.starting_at,
            ending_before=recurring.ending_before,
            unit_price=recurring.unit_price,
            quantity=recurring.quantity,
            currency=Currency(unit.code or unit.name, unit.places),
        )
    except InvalidTerms as error:
        raise InvalidTerms(error.message, f"{where}.recurring_schedule.{error.field}") from error


def is_open(charge: Charge) -> bool:
    """Whether no invoice, or only a draft, holds the charge: then it may change or be taken back."""
    return ChargeState(charge.state) in OPEN


def take_back(charge: Charge, *, where: str, now: datetime) -> None:
    """Takes a charge back that no final invoice holds. Raises InvalidInput naming `where`."""
    if not is_open(charge):
        raise InvalidInput("it stands on a finalized or void invoice", field=where)
    cancel_charges(charges=[charge], now=now)


def change_item(charge: Charge, *, fields: Mapping[str, Any], where: str) -> None:
    """Gives an item that no final or void invoice holds another date or price. Raises InvalidTerms naming `where`."""
    if charge.state in NAMED:
        raise InvalidTerms("it stands on a finalized invoice", f"{where}.id")
    terms = replace(
        terms_of(charge),
        invoice_at=fields.get("timestamp", charge.invoice_at),
        unit_price=checked(fields.get("unit_price", charge.unit_price), f"{where}.unit_price"),
        quantity=checked(fields.get("quantity", charge.quantity), f"{where}.quantity"),
    )
    if charge.state != ChargeState.CANCELED.value:  # removed in the same breath
        reprice_charge(charge, terms=terms)


def change_items(standing: Mapping[UUID, Charge], *, change: ScheduleChange, where: str, now: datetime) -> None:
    """Removes and changes items of one schedule, whose charges are `standing`. Raises InvalidTerms, InvalidInput."""
    for index, item_id in enumerate(change.remove):
        here = f"{where}.remove_schedule_items.{index}.id"
        charge = standing.get(item_id)
        if charge is None:
            raise InvalidTerms("no such item", here)
        if charge.state != ChargeState.CANCELED.value:  # named twice
            take_back(charge, where=here, now=now)
    for index, (item_id, fields) in enumerate(change.update.items()):
        here = f"{where}.update_schedule_items.{index}"
        charge = standing.get(item_id)
        if charge is None:
            raise InvalidTerms("no such item", f"{here}.id")
        change_item(charge, fields=fields, where=here)
