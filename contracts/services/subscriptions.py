"""Writes of subscriptions: parts of creating and of editing a contract. Quantities are changed by appending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Max, prefetch_related_objects

from catalog.models import Product, Rate
from contracts.models import Contract, ContractEdit, Subscription, SubscriptionChange
from contracts.selectors.subscriptions import change_of, end_of, engine_subscription, history_of, subscription_rows
from core import audit
from core.errors import InvalidInput
from core.transactions import require_transaction
from engine.calendar import rfc3339
from engine.errors import InvalidTerms
from engine.money import plain
from engine.quantities import ChangeKind, history
from engine.rating import RateSchedule
from engine.subscriptions import Collection, InvoiceBehavior, Placement

SEATS = (ChangeKind.ADD_SEATS, ChangeKind.REMOVE_SEATS, ChangeKind.ADD_UNASSIGNED, ChangeKind.REMOVE_UNASSIGNED)
NO_RATES = RateSchedule(())


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """A subscription to add. `initial_quantity` for QUANTITY_ONLY; seats for SEAT_BASED. Times UTC, on the hour."""

    product_id: UUID
    billing_frequency: str
    collection_schedule: str
    is_prorated: bool = True
    invoice_behavior: str = InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE
    proration_rounding: dict[str, Any] = field(default_factory=dict)
    invoice_placement: str = Placement.ON_USAGE_INVOICE
    billing_anchor_at: datetime | None = None
    starting_at: datetime | None = None
    ending_before: datetime | None = None
    initial_quantity: Decimal | None = None
    quantity_management_mode: str = Subscription.Mode.QUANTITY_ONLY
    seat_group_key: str = ""
    initial_seat_ids: tuple[str, ...] = ()
    initial_unassigned_seats: int = 0
    name: str = ""
    description: str = ""
    custom_fields: dict[str, str] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class NewChange:
    """A change of quantity or seats. `path` is where it stands in the body, for refusals."""

    path: str
    kind: str
    starting_at: datetime
    quantity: Decimal | None = None
    seat_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionUpdate:
    """What changes in a subscription. `fields`: columns of it by name; `seat_group_key` makes it SEAT_BASED."""

    subscription_id: UUID
    fields: Mapping[str, Any] = field(default_factory=dict)
    seat_group_key: str = ""
    changes: tuple[NewChange, ...] = ()


_COPIED = (
    "id", "product_id", "billing_frequency", "collection_schedule", "is_prorated", "invoice_behavior",
    "proration_rounding", "invoice_placement", "billing_anchor_at", "ending_before", "name", "description",
    "quantity_management_mode", "seat_group_key", "custom_fields",
)  # fmt: skip


def add_subscriptions(
    contract: Contract,
    *,
    new: Sequence[NewSubscription],
    path: str,
    now: datetime,
    edit: ContractEdit | None = None,
) -> list[Subscription]:
    """Adds subscriptions in their order; the caller holds the contract's lock.

    Raises InvalidInput naming `<path>.<index>.<field>`.
    """
    require_transaction()
    if not new:
        return []
    products = Product.objects.in_bulk({one.product_id for one in new})
    rates = Rate.objects.filter(rate_card_id=contract.rate_card_id, product_id__in=products)
    priced = set(rates.values_list("product_id", "billing_frequency").distinct())
    last: int = contract.subscriptions.aggregate(last=Max("sequence"))["last"] or 0
    rows: list[Subscription] = []
    first: list[SubscriptionChange] = []
    for index, one in enumerate(new):
        try:
            row = Subscription(
                contract=contract,
                sequence=last + 1 + index,
                starting_at=one.starting_at or contract.starting_at,
                created_at=now,
                created_by=audit.current_actor().label,
                added_by=edit,
                **{name: getattr(one, name) for name in _COPIED},
            )
            changes = _first_changes(row, one, now, edit)
            history(change_of(change) for change in changes)
            _check_product(one, products.get(one.product_id), priced)
            _check_time(row, contract)
            _check_mode(one)
            engine_subscription(row, NO_RATES, changes=changes)
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"{path}.{index}.{error.field}") from error
        first += changes
        rows.append(row)
    Subscription.objects.bulk_create(rows)
    SubscriptionChange.objects.bulk_create(first)
    prefetch_related_objects(rows, "changes")
    if not contract.has_subscriptions:
        contract.has_subscriptions = True
        contract.save(update_fields=["has_subscriptions"])
    return rows


def update_subscriptions(
    contract: Contract, *, updates: Sequence[SubscriptionUpdate], now: datetime, edit: ContractEdit
) -> None:
    """Changes subscriptions in the order given; the caller holds the contract's lock. Raises InvalidInput.

    Whether a finalized invoice would have to change is for those to say who keep invoices (`contract.edited`).
    """
    require_transaction()
    if not updates:
        return
    rows = {row.pk: row for row in subscription_rows().filter(contract=contract)}
    for index, update in enumerate(updates):
        where = f"update_subscriptions.{index}"
        row = rows.get(update.subscription_id)
        if row is None:
            raise InvalidInput("the contract has no such subscription", field=f"{where}.subscription_id")
        row.contract = contract
        try:
            _change(row, update, now, edit)
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"{where}.{error.field}") from error
        rows[row.pk] = subscription_rows().get(pk=row.pk)


def pin_end(row: Subscription, *, end: datetime) -> None:
    """Ends a subscription where its contract ended: prolonging a contract prolongs none that was charged to its end."""
    require_transaction()
    row.ending_before = end
    row.save(update_fields=["ending_before"])


def plain_subscription(row: Subscription) -> dict[str, Any]:
    """A subscription for the audit trail."""
    return {
        "id": str(row.pk),
        "product_id": str(row.product_id),
        "billing_frequency": row.billing_frequency,
        "collection_schedule": row.collection_schedule,
        "starting_at": row.starting_at.isoformat(),
        "ending_before": row.ending_before and row.ending_before.isoformat(),
        "quantity_management_mode": row.quantity_management_mode,
        "changes": [plain_change(change) for change in row.changes.all()],
    }


def plain_update(update: SubscriptionUpdate) -> dict[str, Any]:
    """An update for the audit trail."""
    fields = {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in update.fields.items()}
    changes = [SubscriptionChange(kind=one.kind, starting_at=one.starting_at, quantity=one.quantity,
                                  seat_ids=list(one.seat_ids)) for one in update.changes]  # fmt: skip
    return {
        "id": str(update.subscription_id),
        **fields,
        **({"seat_group_key": update.seat_group_key} if update.seat_group_key else {}),
        "changes": [plain_change(change) for change in changes],
    }


def plain_change(change: SubscriptionChange) -> dict[str, Any]:
    """A change for the audit trail."""
    return {
        "kind": change.kind,
        "starting_at": change.starting_at.isoformat(),
        "quantity": None if change.quantity is None else plain(change.quantity),
        "seat_ids": change.seat_ids,
    }


def _first_changes(
    row: Subscription, one: NewSubscription, now: datetime, edit: ContractEdit | None
) -> list[SubscriptionChange]:
    """What a subscription begins with; at least one change, so that its history says since when."""
    made = {
        "subscription": row, "starting_at": row.starting_at, "created_at": now,
        "created_by": row.created_by, "added_by": edit,
    }  # fmt: skip
    if row.quantity_management_mode == Subscription.Mode.QUANTITY_ONLY:
        if one.initial_quantity is None:
            raise InvalidTerms("is needed with QUANTITY_ONLY", "initial_quantity")
        return [SubscriptionChange(kind=ChangeKind.SET, quantity=one.initial_quantity, **made)]
    # ids first: what is unassigned when a subscription begins stands beside them
    first = [SubscriptionChange(kind=ChangeKind.SET, quantity=Decimal(0), **made)]
    if one.initial_seat_ids:
        first.append(SubscriptionChange(kind=ChangeKind.ADD_SEATS, seat_ids=list(one.initial_seat_ids), **made))
    if one.initial_unassigned_seats:
        unassigned = Decimal(one.initial_unassigned_seats)
        first.append(SubscriptionChange(kind=ChangeKind.ADD_UNASSIGNED, quantity=unassigned, **made))
    return first


def _check_product(one: NewSubscription, product: Product | None, priced: set[tuple[UUID, str]]) -> None:
    where = "subscription_rate.product_id"
    if product is None:
        raise InvalidTerms("no such product", where)
    if product.type != Product.Type.SUBSCRIPTION:
        raise InvalidTerms("must be a SUBSCRIPTION product", where)
    if product.archived_at is not None:
        raise InvalidTerms("the product is archived", where)
    if (product.pk, one.billing_frequency) not in priced:
        raise InvalidTerms(
            "the contract's rate card has no rate for this product and frequency", "subscription_rate.billing_frequency"
        )


def _check_time(row: Subscription, contract: Contract) -> None:
    if row.starting_at < contract.starting_at:
        raise InvalidTerms("must not be before the contract's start", "starting_at")
    if contract.ending_before is not None:
        if row.starting_at >= contract.ending_before:
            raise InvalidTerms("must be before the contract's end", "starting_at")
        if row.ending_before is not None and row.ending_before > contract.ending_before:
            raise InvalidTerms("must not be after the contract's end", "ending_before")
    if row.ending_before is not None and row.ending_before <= row.starting_at:
        raise InvalidTerms("must be after starting_at", "ending_before")
    if row.billing_anchor_at is not None:
        if row.collection_schedule != Collection.ADVANCE:
            raise InvalidTerms("only with collection_schedule ADVANCE", "billing_cycle_config.anchor_date")
        if row.billing_anchor_at > row.starting_at:
            raise InvalidTerms("must not be after the subscription's start", "billing_cycle_config.anchor_date")
    immediately = row.invoice_behavior == InvoiceBehavior.BILL_IMMEDIATELY
    if immediately and row.collection_schedule != Collection.ADVANCE:
        raise InvalidTerms("BILL_IMMEDIATELY needs collection_schedule ADVANCE", "proration.invoice_behavior")


def _check_mode(one: NewSubscription) -> None:
    if one.quantity_management_mode == Subscription.Mode.SEAT_BASED:
        if not one.seat_group_key:
            raise InvalidTerms("is needed with SEAT_BASED", "seat_config")
        if one.initial_quantity is not None:
            raise InvalidTerms("only with QUANTITY_ONLY", "initial_quantity")
    elif one.seat_group_key:
        raise InvalidTerms("only with SEAT_BASED", "seat_config")


def _change(row: Subscription, update: SubscriptionUpdate, now: datetime, edit: ContractEdit) -> None:
    """Raises InvalidTerms."""
    for name, value in update.fields.items():
        setattr(row, name, value)
    _check_time(row, row.contract)
    if update.seat_group_key:
        _become_seats(row, update.seat_group_key, now)
    if update.fields or update.seat_group_key:
        row.save()
    made = [_new_change(row, one, now, edit) for one in update.changes]
    standing = [change_of(change) for change in row.changes.all()]
    for one, change in zip(update.changes, made, strict=True):
        standing.append(change_of(change))
        try:
            history(standing)
        except InvalidTerms as error:
            raise InvalidTerms(error.message, f"{one.path}.{error.field}") from error
    SubscriptionChange.objects.bulk_create(made)


def _become_seats(row: Subscription, key: str, now: datetime) -> None:
    """From QUANTITY_ONLY to SEAT_BASED: what it has are unassigned seats from then on."""
    where = "quantity_management_mode_update"
    if row.quantity_management_mode != Subscription.Mode.QUANTITY_ONLY:
        raise InvalidTerms("the subscription is SEAT_BASED already", where)
    ahead = [standing for standing in history_of(row) if standing.starting_at > now]
    held = [standing for standing in history_of(row) if standing.starting_at <= now][-1:]
    if any(standing.total != standing.total.to_integral_value() for standing in [*held, *ahead]):
        raise InvalidTerms("seats are whole: the quantity has a fraction", where)
    row.quantity_management_mode = Subscription.Mode.SEAT_BASED
    row.seat_group_key = key


def _new_change(row: Subscription, one: NewChange, now: datetime, edit: ContractEdit) -> SubscriptionChange:
    of_seats = one.kind in SEATS
    if of_seats != (row.quantity_management_mode == Subscription.Mode.SEAT_BASED):
        is_ = "QUANTITY_ONLY" if of_seats else "SEAT_BASED"
        raise InvalidTerms(f"the subscription is {is_}", one.path)
    end = end_of(row)
    if one.starting_at < row.starting_at:
        raise InvalidTerms("must not be before the subscription's start", f"{one.path}.starting_at")
    if end is not None and one.starting_at >= end:
        raise InvalidTerms("must be before the subscription's end", f"{one.path}.starting_at")
    return SubscriptionChange(
        subscription=row,
        kind=one.kind,
        starting_at=one.starting_at,
        quantity=one.quantity,
        seat_ids=list(one.seat_ids),
        created_at=now,
        created_by=audit.current_actor().label,
        added_by=edit,
    )
