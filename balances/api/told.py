"""What edits changed in commits, credits and recurring ones, as answers tell it: what was asked for."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from balances.api.hierarchy import ChildAccessConfigOutput
from charges.api.schedules import InvoicesChangedOutput, told_items
from core.api.fields import ExactField, InstantField
from core.api.output import IdOutput, Output, ToldOutput, told

SUBJECTS = ("commit_id", "credit_id", "recurring_commit_id", "recurring_credit_id")
SCHEDULES = ("access_schedule", "invoice_schedule")


class SegmentAddedOutput(Output):
    """A segment that was added."""

    amount = ExactField()
    starting_at = InstantField()
    ending_before = InstantField()


class SegmentChangedOutput(Output):
    """What changed in a segment."""

    id = serializers.UUIDField()
    amount = ExactField(required=False)
    starting_at = InstantField(required=False)
    ending_before = InstantField(required=False)


class AccessChangedOutput(Output):
    """Segments that were added, changed and removed."""

    add_schedule_items = SegmentAddedOutput(many=True, required=False)
    update_schedule_items = SegmentChangedOutput(many=True, required=False)
    remove_schedule_items = IdOutput(many=True, required=False)


class CreditChangedOutput(ToldOutput):
    """What an edit changed in a credit."""

    id = serializers.UUIDField()
    access_schedule = AccessChangedOutput(required=False)
    applicable_product_ids = serializers.ListField(child=serializers.UUIDField(), required=False)
    applicable_product_tags = serializers.ListField(child=serializers.CharField(), required=False)
    specifiers = serializers.ListField(child=serializers.DictField(), required=False)
    name = serializers.CharField(required=False)
    description = serializers.CharField(required=False)
    priority = ExactField(required=False)
    product_id = serializers.UUIDField(required=False)
    rate_type = serializers.CharField(required=False)
    rollover_fraction = ExactField(required=False)
    netsuite_sales_order_id = serializers.CharField(required=False)
    hierarchy_configuration = ChildAccessConfigOutput(required=False)


class CommitChangedOutput(CreditChangedOutput):
    """What an edit changed in a commit."""

    invoice_schedule = InvoicesChangedOutput(required=False)


class AmountChangedOutput(Output):
    """What changed in an amount."""

    unit_price = ExactField(required=False)
    quantity = ExactField(required=False)


class RoundingOutput(Output):
    """How a prorated amount is rounded."""

    rounding_method = serializers.CharField()
    decimal_places = serializers.IntegerField()


class RoundingsOutput(ToldOutput):
    """Of what is granted and of what is invoiced."""

    access = RoundingOutput(required=False)
    invoice = RoundingOutput(required=False)


class RecurringChangedOutput(ToldOutput):
    """What an edit changed in a recurring commit or credit."""

    id = serializers.UUIDField()
    access_amount = AmountChangedOutput(required=False)
    invoice_amount = AmountChangedOutput(required=False)
    ending_before = InstantField(required=False)
    proration_rounding = RoundingsOutput(required=False)
    rate_type = serializers.CharField(required=False)


def told_change(body: Mapping[str, Any]) -> dict[str, Any]:
    """A read change of any of them: its id, and what was asked for."""
    shown = {"id" if name in SUBJECTS else name: value for name, value in body.items()}
    for name in SCHEDULES:
        if shown.get(name) is not None:
            shown[name] = told_items(shown[name])
    if shown.get("proration_rounding") is not None:
        shown["proration_rounding"] = told(shown["proration_rounding"])
    return told(shown)
