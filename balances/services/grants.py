"""New commits and credits: of a contract as a part of writing it, of a customer as a use case of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import IntegrityError

from balances.events import GrantedSegment, ScheduledCharge
from balances.models import DEFAULT_PRIORITY, AccessType, Balance, LedgerEntry, Segment
from balances.selectors.segments import engine_segment
from balances.services.catalogue import Catalogue, named_products
from balances.services.child_access import check_child_access
from balances.services.events import CreatedBalance, record_created
from balances.services.given import count_given, given_by, is_counted
from balances.services.ledger import append, entry, lock_balances
from balances.services.purchases import new_charges
from catalog.models import CreditType
from charges.services import RecurringSchedule, add_charges, items_of
from contracts.models import Contract, ContractEdit
from contracts.selectors import payer_of
from contracts.services import lock_contract
from contracts.services.hierarchy import refuse_own_balances
from core import audit
from core.constraints import violated
from core.errors import InvalidInput, NotFound, uniqueness_key_used
from core.transactions import require_transaction, use_case
from customers.models import Customer
from engine.calendar import Period
from engine.errors import InvalidTerms
from engine.money import ZERO, add, divide, round_places, total
from engine.overrides import RateTarget
from engine.schedules import AccessSegment, ScheduleItem, check_postpaid

COST_PLACES: Final = 30
BATCH: Final = 250
"""Balances that are written together: what they make in memory on the way is gone before the next."""


@dataclass(frozen=True, slots=True)
class Grant:
    """An amount over `[starting_at, ending_before)`, any number of digits: prorated amounts have many.

    `of_seats`: it comes from the quantity of a subscription; `seat`: (group key, seat id) whose alone it is.
    """

    amount: Decimal
    starting_at: datetime
    ending_before: datetime
    of_seats: bool = False
    seat: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class UnwrittenBalance:
    """A checked balance that is about to be stored. `service_period`: the time that `items` pay for, if it is one."""

    balance: Balance
    segments: Sequence[Grant]
    items: Sequence[ScheduleItem]
    reason: str = ""
    service_period: Period | None = None


@dataclass(frozen=True, slots=True)
class NewBalance:
    """A commit or credit to add. Amounts in the stored unit of their credit types; `specifiers` as on the wire.

    `access`: (amount, starting_at, ending_before), on the hour in UTC. `invoices`: (timestamp, unit price, quantity).
    """

    kind: str
    product_id: UUID
    access: tuple[tuple[Decimal, datetime, datetime], ...]
    invoices: tuple[tuple[datetime, Decimal, Decimal], ...] = ()
    recurring_schedule: RecurringSchedule | None = None
    credit_type_id: UUID | None = None
    access_type: str = AccessType.SPEND
    invoice_credit_type_id: UUID | None = None
    do_not_invoice: bool = False
    name: str = ""
    description: str = ""
    priority: Decimal = Decimal(DEFAULT_PRIORITY)
    rate_type: str = RateTarget.LIST_RATE
    rollover_fraction: Decimal | None = None
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    specifiers: tuple[dict[str, Any], ...] = ()
    applicable_contract_ids: tuple[str, ...] | None = None
    # which child contracts may draw on it besides, as on the wire
    child_access: dict[str, Any] | None = None
    invoice_contract_id: UUID | None = None
    counts_as_discounted: bool | None = None
    uniqueness_key: str | None = None
    custom_fields: dict[str, str] = field(default_factory=dict)
    netsuite_sales_order_id: str = ""
    salesforce_opportunity_id: str = ""
    # what the ledger says of the grant; the customer sees it
    reason: str = ""
    id: UUID = field(default_factory=uuid4)


def create_balance(*, customer_id: UUID, new: NewBalance, now: datetime) -> Balance:
    """A commit or credit of a customer; what it pays shows in drafts at once.

    Raises NotFound for an unknown customer, InvalidInput naming the field, Conflict for a used uniqueness key.
    """
    try:
        with use_case():
            customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
            if customer is None:
                raise NotFound(f"no customer {customer_id}", field="customer_id")
            if customer.archived_at is not None:
                raise InvalidInput("the customer is archived", field="customer_id")
            invoiced_on = None
            if new.invoice_contract_id is not None:
                invoiced_on = _contract_of(customer, new.invoice_contract_id)
                refuse_own_balances(lock_contract(contract_id=invoiced_on.pk), field="invoice_contract_id")
            known = Contract.objects.filter(customer=customer).in_bulk()
            for index, contract_id in enumerate(new.applicable_contract_ids or ()):
                if UUID(contract_id) not in known:
                    raise InvalidInput("the customer has no such contract", field=f"applicable_contract_ids.{index}")
                refuse_own_balances(known[UUID(contract_id)], field=f"applicable_contract_ids.{index}")
            if new.invoices and invoiced_on is None and not new.do_not_invoice:
                raise InvalidInput("is needed with an invoice schedule", field="invoice_contract_id")
            balance = grant(customer, new=new, invoiced_on=invoiced_on, now=now)
    except IntegrityError as error:
        if violated(error) == "balance_uniqueness_key_once":
            raise uniqueness_key_used() from error
        raise
    return balance


def grant(customer: Customer, *, new: NewBalance, now: datetime, invoiced_on: Contract | None = None) -> Balance:
    """The same as a part of a use case that holds the customer and, if it is invoiced, the contract.

    Raises InvalidInput naming the field.
    """
    require_transaction()
    lock_balances(customer.pk)
    try:
        made = _made(
            new, _catalogue([new]), customer_id=customer.pk, contract=None, invoiced_on=invoiced_on, now=now, edit=None
        )
        write_balances([made], now=now)
    except InvalidTerms as error:
        raise InvalidInput(error.message, field=error.field) from error
    _count([made], field="access_schedule", now=now)
    return made.balance


def add_balances(
    contract: Contract, *, new: Sequence[NewBalance], path: str, now: datetime, edit: ContractEdit | None = None
) -> list[Balance]:
    """Adds commits or credits to a contract, all in their order; the caller holds the contract's lock.

    Raises InvalidInput naming `<path>.<index>.<field>`.
    """
    require_transaction()
    if not new:
        return []
    refuse_own_balances(contract, field=path)
    lock_balances(payer_of(contract, now))
    known = _catalogue(new)
    made = []
    for index, one in enumerate(new):
        try:
            made.append(
                _made(
                    one,
                    known,
                    customer_id=contract.customer_id,
                    contract=contract,
                    invoiced_on=contract,
                    now=now,
                    edit=edit,
                )
            )
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"{path}.{index}.{error.field}") from error
    write_balances(made, now=now)
    _count(made, field=path, now=now)
    return [one.balance for one in made]


def _count(made: Sequence[UnwrittenBalance], *, field: str, now: datetime) -> None:
    """What these give away, where a key may give only so much. Raises NotAllowed."""
    if not is_counted():
        return
    given = [
        given_by(
            one.balance,
            granted=total(part.amount for part in one.segments),
            charged=total(item.amount for item in one.items),
        )
        for one in made
    ]
    first = made[0].balance
    count_given(given, source_id=first.pk, customer_id=first.customer_id, field=field, now=now)


def _catalogue(new: Sequence[NewBalance]) -> Catalogue:
    named: list[UUID | str] = [one.product_id for one in new]
    for one in new:
        named += named_products(product_ids=one.applicable_product_ids, specifiers=one.specifiers)
    units = {unit_id for one in new for unit_id in (one.credit_type_id, one.invoice_credit_type_id)}
    return Catalogue(unit_ids=units, product_ids=named)


def _made(
    one: NewBalance,
    known: Catalogue,
    *,
    customer_id: UUID,
    contract: Contract | None,
    invoiced_on: Contract | None,
    now: datetime,
    edit: ContractEdit | None,
) -> UnwrittenBalance:
    """A checked balance with its schedules. Raises InvalidTerms."""
    unit = known.unit(one.credit_type_id, "access_schedule.credit_type_id")
    checked_access = [AccessSegment(*part) for part in one.access]
    segments = [Grant(part.amount, part.starting_at, part.ending_before) for part in checked_access]
    invoice_unit = known.unit(one.invoice_credit_type_id, "invoice_schedule.credit_type_id")
    items = _items(one, invoice_unit)
    known.check_product(one.product_id)
    known.check_scope(product_ids=one.applicable_product_ids, specifiers=one.specifiers)
    _check(one, checked_access, items, unit, invoice_unit)
    check_child_access(one.child_access, customer_id=customer_id, contract_id=None if contract is None else contract.pk)
    balance = Balance(
        customer_id=customer_id,
        contract=contract,
        kind=one.kind,
        credit_type=unit,
        invoice_credit_type=invoice_unit if items else None,
        # what a customer's own names is kept for later instalments; a contract's own is charged on it, if at all
        invoice_contract=invoiced_on if one.invoice_contract_id or (items and not one.do_not_invoice) else None,
        applicable_contract_ids=None if one.applicable_contract_ids is None else list(one.applicable_contract_ids),
        applicable_product_ids=list(one.applicable_product_ids),
        applicable_product_tags=list(one.applicable_product_tags),
        specifiers=list(one.specifiers),
        cost_basis=cost_basis(items, segments=segments),
        created_at=now,
        created_by=audit.current_actor().label,
        added_by=edit,
        **{name: getattr(one, name) for name in _COPIED},
    )
    if balance.kind == Balance.Kind.POSTPAID and balance.invoice_contract is None:
        raise InvalidTerms("a postpaid commit is invoiced on a contract", "invoice_schedule")
    return UnwrittenBalance(balance, segments, items, one.reason)


_COPIED = (
    "id", "product_id", "access_type", "do_not_invoice", "name", "description", "priority", "rate_type",
    "rollover_fraction", "uniqueness_key", "custom_fields", "netsuite_sales_order_id", "salesforce_opportunity_id",
    "child_access", "counts_as_discounted",
)  # fmt: skip


def write_balances(new: Sequence[UnwrittenBalance], *, now: datetime) -> None:
    """Stores checked balances in their order: schedules, the grant of each segment, the facts; as many statements for
    a BATCH as for one. The caller holds the balances. Raises InvalidTerms.
    """
    require_transaction()
    for first in range(0, len(new), BATCH):
        _write(new[first : first + BATCH], now=now)


def _write(new: Sequence[UnwrittenBalance], *, now: datetime) -> None:
    Balance.objects.bulk_create([one.balance for one in new])
    add_segments([(one.balance, part, one.reason) for one in new for part in one.segments], now=now)
    add_charges(
        new=[
            charge
            for one in new
            for charge in new_charges(one.balance, items=one.items, first=1, service_period=one.service_period)
        ],
        now=now,
    )
    record_created(
        [
            CreatedBalance(
                one.balance,
                segments=tuple(_granted(one.segments)),
                charges=tuple(ScheduledCharge(amount=item.amount, due_at=item.timestamp) for item in one.items),
                reason=one.reason,
            )
            for one in new
        ],
        now=now,
    )


def add_segments(new: Sequence[tuple[Balance, Grant, str]], *, now: datetime) -> None:
    """Stores (balance, segment, what the ledger says of its grant) of stored balances. The caller holds the balances.

    Raises InvalidTerms for one that cannot be.
    """
    require_transaction()
    rows = [
        Segment(
            owner=balance, starting_at=part.starting_at, ending_before=part.ending_before, seat_group_key=part.seat[0],
            seat_id=part.seat[1], seat_granted=part.amount if part.of_seats else None,
        )
        for balance, part, _ in new
    ]  # fmt: skip
    for row, (_, part, _) in zip(rows, new, strict=True):
        engine_segment(row, available=part.amount)
    Segment.objects.bulk_create(rows)
    append(
        entry(row, kind=first_kind(balance), amount=part.amount, at=part.starting_at, now=now, reason=reason)
        for row, (balance, part, reason) in zip(rows, new, strict=True)
    )


def _granted(segments: Iterable[Grant]) -> list[GrantedSegment]:
    """Segments as their event tells them; those of seats that have the same in one."""
    found: dict[tuple[object, ...], GrantedSegment] = {}
    for index, part in enumerate(segments):
        key = (part.amount, part.starting_at, part.ending_before, part.seat[0] or index)
        seats = found[key].seat_ids if key in found else ()
        found[key] = GrantedSegment(
            amount=part.amount,
            starting_at=part.starting_at,
            ending_before=part.ending_before,
            seat_ids=(*seats, part.seat[1]) if part.seat[1] else seats,
        )
    return list(found.values())


def first_kind(balance: Balance) -> LedgerEntry.Kind:
    """The entry that a grant stands in the ledger by."""
    postpaid = balance.kind == Balance.Kind.POSTPAID
    return LedgerEntry.Kind.INITIAL_BALANCE if postpaid else LedgerEntry.Kind.SEGMENT_START


def cost_basis(items: Iterable[ScheduleItem], *, segments: Iterable[Grant]) -> Decimal:
    """What is asked for one unit of access, to COST_PLACES decimals (it only decides on an order); 0 for gifts."""
    asked, granted = ZERO, ZERO
    for item in items:
        asked = add(asked, item.amount)
    for part in segments:
        granted = add(granted, part.amount)
    return round_places(divide(asked, granted), COST_PLACES) if granted else ZERO


def _items(new: NewBalance, unit: CreditType) -> list[ScheduleItem]:
    return items_of(given=new.invoices, recurring=new.recurring_schedule, unit=unit, where="invoice_schedule")


def _check(
    new: NewBalance,
    segments: list[AccessSegment],
    items: list[ScheduleItem],
    unit: CreditType,
    invoice_unit: CreditType,
) -> None:
    """What the documents say of commits and credits. Raises InvalidTerms."""
    if not segments:
        raise InvalidTerms("needs at least one item", "access_schedule.schedule_items")
    if items and not invoice_unit.is_currency:
        raise InvalidTerms("must be a currency", "invoice_schedule.credit_type_id")
    if new.kind == Balance.Kind.POSTPAID:
        if new.do_not_invoice:
            raise InvalidTerms("a postpaid commit is invoiced", "invoice_schedule.do_not_invoice")
        check_postpaid(segments, items)
        if unit != invoice_unit:
            raise InvalidTerms("must be the unit of access", "invoice_schedule.credit_type_id")
        if new.access_type != AccessType.SPEND:
            raise InvalidTerms("a postpaid commit counts spend", "access_schedule.access_type")
    if new.rollover_fraction is not None and not 0 <= new.rollover_fraction <= 1:
        raise InvalidTerms("must be from 0 to 1", "rollover_fraction")


def _contract_of(customer: Customer, contract_id: UUID) -> Contract:
    contract = Contract.objects.filter(pk=contract_id, customer=customer, archived_at__isnull=True).first()
    if contract is None:
        raise InvalidInput("the customer has no such contract", field="invoice_contract_id")
    return contract
