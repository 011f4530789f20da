"""Subscriptions in bodies, and how they become what services take."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

from rest_framework import serializers

from catalog.api.rates import FREQUENCIES
from contracts.models import Subscription
from contracts.services import NewChange, NewSubscription, SubscriptionUpdate
from core.api.fields import (
    CustomFieldsField,
    ExactField,
    FlagField,
    IdField,
    Input,
    InstantField,
    TextField,
    WholeField,
    WordField,
)
from core.api.output import told
from engine.quantities import ChangeKind
from engine.subscriptions import Collection, InvoiceBehavior, Placement

MOST = 1000
MOST_SEATS = 10_000
SEAT_ID = 200
SEAT_LISTS = {
    # in this order: a seat that is added takes the place of one that was free before
    "remove_seat_ids": ChangeKind.REMOVE_SEATS,
    "remove_unassigned_seats": ChangeKind.REMOVE_UNASSIGNED,
    "add_seat_ids": ChangeKind.ADD_SEATS,
    "add_unassigned_seats": ChangeKind.ADD_UNASSIGNED,
}


class RateInput(Input):
    """Which rate of the contract's card."""

    product_id = IdField()
    billing_frequency = WordField(FREQUENCIES)


class RoundingInput(Input):
    """How a prorated unit price is rounded; places of the stored unit (-2 on USD: whole dollars)."""

    rounding_method = WordField(("HALF_UP", "FLOOR", "CEILING"))
    decimal_places = WholeField(minimum=-20, maximum=20)


class ProrationInput(Input):
    """What becomes of partial periods, and when an increase is charged."""

    is_prorated = FlagField(required=False)
    invoice_behavior = WordField(InvoiceBehavior, required=False)
    rounding = RoundingInput(required=False, allow_null=True)


class CycleInput(Input):
    """What the billing periods are counted from, and which invoice takes the charges."""

    anchor_date = InstantField(hour=True, required=False, allow_null=True, help_text="Only with ADVANCE. On the hour.")
    invoice_placement = WordField(Placement, required=False, allow_null=True)


def seat_ids(**kwargs: Any) -> serializers.ListField:
    """A list of seat ids."""
    return serializers.ListField(child=TextField(maximum=SEAT_ID), max_length=MOST_SEATS, **kwargs)


class SeatConfigInput(Input):
    """The seats of a SEAT_BASED subscription."""

    seat_group_key = TextField(maximum=200, help_text="The property of events that says whose usage it is.")
    initial_seat_ids = seat_ids()
    initial_unassigned_seats = WholeField(maximum=1_000_000, required=False, allow_null=True)

    def validate_initial_seat_ids(self, ids: list[str]) -> list[str]:
        """A seat is there once."""
        return _once(ids)


class SubscriptionInput(Input):
    """A subscription."""

    collection_schedule = WordField(Collection)
    proration = ProrationInput()
    subscription_rate = RateInput()
    billing_cycle_config = CycleInput(required=False, allow_null=True)
    custom_fields = CustomFieldsField(required=False, allow_null=True)
    description = TextField(maximum=1000, required=False, allow_null=True)
    starting_at = InstantField(hour=True, required=False, allow_null=True)
    ending_before = InstantField(hour=True, required=False, allow_null=True)
    initial_quantity = ExactField(minimum=0, required=False, allow_null=True, help_text="With QUANTITY_ONLY.")
    name = TextField(required=False, allow_null=True)
    quantity_management_mode = WordField(Subscription.Mode.values, required=False, allow_null=True)
    seat_config = SeatConfigInput(required=False, allow_null=True)
    temporary_id = TextField(
        required=False, allow_null=True, help_text="For subscription_config of recurring commits of the same request."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Its id is known from the start, so that others in the request may refer to it."""
        given = {name: value for name, value in attrs.items() if value is not None}
        if given.get("quantity_management_mode") != Subscription.Mode.SEAT_BASED:
            if "seat_config" in given:
                raise serializers.ValidationError({"seat_config": ["only with SEAT_BASED"]})
        elif "seat_config" not in given:
            raise serializers.ValidationError({"seat_config": ["is needed with SEAT_BASED"]})
        return given | {"id": uuid4()}


class QuantityUpdateInput(Input):
    """A new quantity, or what is added to it."""

    starting_at = InstantField()
    quantity = ExactField(minimum=0, required=False, allow_null=True)
    quantity_delta = ExactField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of them."""
        given = [name for name in ("quantity", "quantity_delta") if attrs.get(name) is not None]
        if len(given) != 1:
            raise serializers.ValidationError({"quantity": ["is needed, or quantity_delta, and not both"]})
        if given == ["quantity_delta"] and not attrs["quantity_delta"]:
            raise serializers.ValidationError({"quantity_delta": ["must not be 0"]})
        return attrs


class SeatIdsInput(Input):
    """Seats by id."""

    seat_ids = seat_ids(min_length=1)
    starting_at = InstantField()


class SeatCountInput(Input):
    """Seats without an id."""

    quantity = WholeField(minimum=1, maximum=1_000_000)
    starting_at = InstantField()


def _many(child: type[Input], **kwargs: Any) -> serializers.ListField:
    return serializers.ListField(child=child(), max_length=MOST, required=False, allow_null=True, **kwargs)


class SeatUpdatesInput(Input):
    """Seats to add and to remove."""

    add_seat_ids = _many(SeatIdsInput)
    add_unassigned_seats = _many(SeatCountInput)
    remove_seat_ids = _many(SeatIdsInput)
    remove_unassigned_seats = _many(SeatCountInput)


class SeatKeyInput(Input):
    """The property of events that says whose usage it is."""

    seat_group_key = TextField(maximum=200)


class ModeUpdateInput(Input):
    """From QUANTITY_ONLY to SEAT_BASED: what there is becomes unassigned seats."""

    quantity_management_mode = WordField((Subscription.Mode.SEAT_BASED,))
    seat_config = SeatKeyInput()


class SubscriptionUpdateInput(Input):
    """What changes in a subscription."""

    subscription_id = IdField()
    ending_before = InstantField(hour=True, required=False, allow_null=True, help_text="null: with the contract.")
    name = TextField(required=False)
    proration_rounding = RoundingInput(required=False, allow_null=True)
    quantity_management_mode_update = ModeUpdateInput(required=False, allow_null=True)
    quantity_updates = _many(QuantityUpdateInput)
    seat_updates = SeatUpdatesInput(required=False, allow_null=True)


def subscriptions_field() -> serializers.ListField:
    """Subscriptions to add."""
    return _many(SubscriptionInput)


def updates_field() -> serializers.ListField:
    """Subscriptions to change."""
    return _many(SubscriptionUpdateInput)


def new_subscription(body: Mapping[str, Any]) -> NewSubscription:
    """A read subscription as services take it."""
    proration, cycle = body["proration"], body.get("billing_cycle_config") or {}
    seats = body.get("seat_config") or {}
    plain_ones = ("name", "description", "starting_at", "ending_before", "initial_quantity", "custom_fields", "id",
                  "quantity_management_mode", "collection_schedule")  # fmt: skip
    given = {name: body[name] for name in plain_ones if name in body}
    given |= {name: proration[name] for name in ("is_prorated", "invoice_behavior") if name in proration}
    if cycle.get("invoice_placement"):
        given["invoice_placement"] = cycle["invoice_placement"]
    return NewSubscription(
        **body["subscription_rate"],
        **given,
        proration_rounding=dict(proration.get("rounding") or {}),
        billing_anchor_at=cycle.get("anchor_date"),
        seat_group_key=seats.get("seat_group_key", ""),
        initial_seat_ids=tuple(seats.get("initial_seat_ids", ())),
        initial_unassigned_seats=seats.get("initial_unassigned_seats") or 0,
    )


def subscription_update(body: Mapping[str, Any]) -> SubscriptionUpdate:
    """A read change as services take it."""
    fields = {name: body[name] for name in ("name", "ending_before") if name in body}
    if "proration_rounding" in body:
        fields["proration_rounding"] = dict(body["proration_rounding"] or {})
    mode = body.get("quantity_management_mode_update")
    return SubscriptionUpdate(
        subscription_id=body["subscription_id"],
        fields=fields,
        seat_group_key="" if mode is None else mode["seat_config"]["seat_group_key"],
        changes=(*_quantity_changes(body), *_seat_changes(body)),
    )


def _quantity_changes(body: Mapping[str, Any]) -> Iterable[NewChange]:
    for index, one in enumerate(body.get("quantity_updates") or ()):
        delta = one.get("quantity_delta")
        yield NewChange(
            f"quantity_updates.{index}",
            ChangeKind.SET if delta is None else ChangeKind.DELTA,
            one["starting_at"],
            one["quantity"] if delta is None else delta,
        )


def _seat_changes(body: Mapping[str, Any]) -> Iterable[NewChange]:
    updates = body.get("seat_updates") or {}
    for name, kind in SEAT_LISTS.items():
        for index, one in enumerate(updates.get(name) or ()):
            where = f"seat_updates.{name}.{index}"
            if "seat_ids" in one:
                yield NewChange(where, kind, one["starting_at"], None, tuple(one["seat_ids"]))
            else:
                yield NewChange(where, kind, one["starting_at"], Decimal(one["quantity"]))


def told_update(body: Mapping[str, Any]) -> dict[str, Any]:
    """A read change as the edit tells it: the subscription's id, and what was asked for."""
    lists = ("quantity_updates", "seat_updates", "quantity_management_mode_update")
    shown = {name: value for name, value in body.items() if name not in (*lists, "subscription_id")}
    shown |= {name: body[name] for name in lists[2:] if body.get(name)}
    if body.get("quantity_updates"):
        shown["quantity_updates"] = [_given(one) for one in body["quantity_updates"]]
    seats = {name: list(entries) for name, entries in (body.get("seat_updates") or {}).items() if entries}
    return told({"id": body["subscription_id"]} | shown | ({"seat_updates": seats} if seats else {}))


def _given(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if value is not None}


def _once(ids: list[str]) -> list[str]:
    if len(set(ids)) != len(ids):
        raise serializers.ValidationError("holds a seat twice")
    return ids
