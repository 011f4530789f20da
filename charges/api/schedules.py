"""Schedules of what is invoiced: read, shown, and told of edits."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from catalog.api.units import CreditTypeOutput
from charges.services import RecurringSchedule, ScheduleChange
from core.api.fields import ExactField, FlagField, IdField, Input, InstantField, WordField
from core.api.output import IdOutput, Output
from engine.money import mul
from engine.schedules import Distribution

MAX_ITEMS = 1000
INSTALMENTS = ("MONTHLY", "QUARTERLY", "SEMI_ANNUAL", "ANNUAL", "WEEKLY")


class ChargeInput(Input):
    """An amount, or a unit price with its quantity."""

    amount = ExactField(minimum=0, required=False)
    unit_price = ExactField(minimum=0, required=False)
    quantity = ExactField(minimum=0, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As unit price and quantity, whichever way it was said."""
        priced = [name for name in ("unit_price", "quantity") if attrs.get(name) is not None]
        if "amount" in attrs:
            if priced:
                raise serializers.ValidationError({"amount": ["excludes unit_price and quantity"]})
            attrs["unit_price"], attrs["quantity"] = attrs.pop("amount"), Decimal(1)
        elif len(priced) != 2:
            raise serializers.ValidationError({"amount": ["is needed, or unit_price and quantity"]})
        return attrs


class InvoiceItemInput(ChargeInput):
    """A charge and when it is invoiced."""

    timestamp = InstantField()


class RecurringScheduleInput(ChargeInput):
    """Instalments."""

    frequency = WordField(INSTALMENTS)
    amount_distribution = WordField(Distribution)
    starting_at = InstantField()
    ending_before = InstantField()


class InvoiceScheduleInput(Input):
    """When it is invoiced; either items or a recurring schedule."""

    credit_type_id = IdField(required=False, allow_null=True)
    do_not_invoice = FlagField(required=False)
    schedule_items = serializers.ListField(child=InvoiceItemInput(), max_length=MAX_ITEMS, required=False)
    recurring_schedule = RecurringScheduleInput(required=False, allow_null=True)


class ItemInput(Input):
    """Which item."""

    id = IdField()


class InvoiceUpdateInput(ItemInput):
    """What changes in an instalment."""

    timestamp = InstantField(required=False)
    amount = ExactField(minimum=0, required=False)
    unit_price = ExactField(minimum=0, required=False)
    quantity = ExactField(minimum=0, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An amount stands for its unit price, once."""
        if "amount" in attrs:
            if "unit_price" in attrs or "quantity" in attrs:
                raise serializers.ValidationError({"amount": ["excludes unit_price and quantity"]})
            attrs["unit_price"], attrs["quantity"] = attrs.pop("amount"), Decimal(1)
        return attrs


class InvoiceChangeInput(Input):
    """Instalments to add, change and remove."""

    add_schedule_items = serializers.ListField(child=InvoiceItemInput(), max_length=MAX_ITEMS, required=False)
    update_schedule_items = serializers.ListField(child=InvoiceUpdateInput(), max_length=MAX_ITEMS, required=False)
    remove_schedule_items = serializers.ListField(child=ItemInput(), max_length=MAX_ITEMS, required=False)


class InvoiceItemOutput(Output):
    """A charge and the invoice that holds it."""

    id = serializers.UUIDField()
    timestamp = InstantField()
    amount = ExactField()
    unit_price = ExactField()
    quantity = ExactField()
    invoice_id = serializers.UUIDField(allow_null=True)


class InvoiceScheduleOutput(Output):
    """When it is invoiced."""

    schedule_items = InvoiceItemOutput(many=True)
    credit_type = CreditTypeOutput()
    do_not_invoice = serializers.BooleanField()


class InstalmentAddedOutput(Output):
    """An instalment that was added."""

    timestamp = InstantField()
    amount = ExactField(required=False)
    unit_price = ExactField(required=False)
    quantity = ExactField(required=False)


class InstalmentChangedOutput(Output):
    """What changed in an instalment."""

    id = serializers.UUIDField()
    timestamp = InstantField(required=False)
    amount = ExactField(required=False)
    unit_price = ExactField(required=False)
    quantity = ExactField(required=False)


class InvoicesChangedOutput(Output):
    """Instalments that were added, changed and removed."""

    add_schedule_items = InstalmentAddedOutput(many=True, required=False)
    update_schedule_items = InstalmentChangedOutput(many=True, required=False)
    remove_schedule_items = IdOutput(many=True, required=False)


def schedule_change(body: Mapping[str, Any] | None) -> ScheduleChange | None:
    """A read change of a schedule as services take it."""
    if body is None:
        return None
    return ScheduleChange(
        add=tuple(dict(item) for item in body.get("add_schedule_items", ())),
        update={
            item["id"]: {name: value for name, value in item.items() if name != "id"}
            for item in body.get("update_schedule_items", ())
        },
        remove=tuple(item["id"] for item in body.get("remove_schedule_items", ())),
    )


def given_items(schedule: Mapping[str, Any]) -> tuple[tuple[Any, Decimal, Decimal], ...]:
    """(timestamp, unit price, quantity) of each item of a read schedule."""
    items = schedule.get("schedule_items", ())
    return tuple((item["timestamp"], item["unit_price"], item["quantity"]) for item in items)


def given_recurring(schedule: Mapping[str, Any]) -> RecurringSchedule | None:
    """The recurring schedule of a read one; None where it has none."""
    recurring = schedule.get("recurring_schedule")
    return None if recurring is None else RecurringSchedule(**recurring)


def told_items(schedule: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """A read change of a schedule as edits tell it."""
    return {verb: [_item(item) for item in items] for verb, items in schedule.items()}


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule item; an instalment is told by its amount too, however that was said."""
    if "unit_price" in item and "quantity" in item:
        return dict(item) | {"amount": mul(item["unit_price"], item["quantity"])}
    return dict(item)
