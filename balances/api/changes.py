"""Changes of commits and credits in bodies, and how they become what services take."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from balances.api.hierarchy import ChildAccessConfigInput, child_access
from balances.api.inputs import AccessItemInput, RoundingsInput, ids, specifiers, tags
from balances.services.edits import BalanceChange
from balances.services.recurring_edits import RecurringChange
from balances.services.seats import MOST_SEATS
from charges.api.schedules import MAX_ITEMS, InvoiceChangeInput, ItemInput, schedule_change
from core.api.dry_run import dry_run_field
from core.api.fields import ExactField, IdField, Input, InstantField, PlainField, TextField, WordField, parse_decimal
from engine.overrides import RateTarget


class AccessUpdateInput(ItemInput):
    """What changes in a segment."""

    amount = ExactField(minimum=0, required=False)
    starting_at = InstantField(hour=True, required=False)
    ending_before = InstantField(hour=True, required=False)


class AccessChangeInput(Input):
    """Segments to add, change and remove."""

    add_schedule_items = serializers.ListField(child=AccessItemInput(), max_length=MAX_ITEMS, required=False)
    update_schedule_items = serializers.ListField(child=AccessUpdateInput(), max_length=MAX_ITEMS, required=False)
    remove_schedule_items = serializers.ListField(child=ItemInput(), max_length=MAX_ITEMS, required=False)


class ChangeInput(Input):
    """What changes in either."""

    access_schedule = AccessChangeInput(required=False)
    applicable_product_ids = ids()
    applicable_product_tags = tags()
    specifiers = specifiers()
    name = TextField(required=False)
    description = TextField(maximum=1000, required=False)
    priority = ExactField(required=False, allow_null=True)
    product_id = IdField(required=False)
    rate_type = WordField(RateTarget, required=False)
    rollover_fraction = ExactField(minimum=0, maximum=1, required=False, allow_null=True)
    netsuite_sales_order_id = TextField(required=False, allow_null=True)
    hierarchy_configuration = ChildAccessConfigInput(required=False, allow_null=True)


class CreditChangeInput(ChangeInput):
    """What changes in a credit of a contract."""

    credit_id = IdField()


class CommitChangeInput(ChangeInput):
    """What changes in a commit of a contract."""

    commit_id = IdField()
    invoice_schedule = InvoiceChangeInput(required=False)


class EditCreditInput(CreditChangeInput):
    """What changes in any credit."""

    customer_id = IdField()
    applicable_contract_ids = ids()
    dry_run = dry_run_field()


class EditCommitInput(CommitChangeInput):
    """What changes in any commit."""

    customer_id = IdField()
    applicable_contract_ids = ids()
    dry_run = dry_run_field()


class AmountChangeInput(Input):
    """What changes in an amount; what is not given stays."""

    unit_price = ExactField(minimum=0, required=False)
    quantity = ExactField(minimum=0, required=False)


class RecurringChangeInput(Input):
    """What changes in a recurring commit or credit. What has begun stays as it is."""

    access_amount = AmountChangeInput(required=False)
    ending_before = InstantField(hour=True, required=False, allow_null=True, help_text="null: with the contract.")
    proration_rounding = RoundingsInput(required=False, allow_null=True)
    rate_type = WordField(RateTarget, required=False)


class RecurringCreditChangeInput(RecurringChangeInput):
    """What changes in a recurring credit."""

    recurring_credit_id = IdField()


class RecurringCommitChangeInput(RecurringChangeInput):
    """What changes in a recurring commit."""

    recurring_commit_id = IdField()
    invoice_amount = AmountChangeInput(required=False)


class ArchiveCommitInput(Input):
    """Which commit."""

    customer_id = IdField()
    commit_id = IdField()


class ArchiveCreditInput(Input):
    """Which credit."""

    customer_id = IdField()
    credit_id = IdField()


class CommitEndInput(ArchiveCommitInput):
    """When a commit ends."""

    access_ending_before = InstantField(hour=True, required=False, allow_null=True)
    invoices_ending_before = InstantField(required=False, allow_null=True)


class CreditEndInput(ArchiveCreditInput):
    """When a credit ends."""

    access_ending_before = InstantField(hour=True)


@extend_schema_field({"type": "object", "additionalProperties": {"type": "number"}})
class SeatAmountsField(PlainField):
    """Amounts by seat id, at least one and at most MOST_SEATS."""

    def to_internal_value(self, data: Any) -> dict[str, Decimal]:
        if not isinstance(data, dict) or not data:
            raise serializers.ValidationError("must be an object of amounts by seat id")
        if len(data) > MOST_SEATS:
            raise serializers.ValidationError(f"at most {MOST_SEATS} seats")
        found, wrong = {}, {}
        for seat_id, amount in data.items():
            try:
                found[str(seat_id)] = parse_decimal(amount)
            except ValueError as error:
                wrong[str(seat_id)[:200]] = [str(error)]
        if wrong:
            raise serializers.ValidationError(wrong)
        return found


class ManualEntryInput(Input):
    """What to add by hand, or with a negative amount to take away."""

    id = IdField()
    customer_id = IdField()
    contract_id = IdField(required=False, allow_null=True)
    segment_id = IdField()
    amount = ExactField()
    per_group_amounts = SeatAmountsField(
        required=False, allow_null=True, help_text="By seat id, summing to amount; where each seat has its own balance."
    )
    reason = TextField(maximum=500)
    timestamp = InstantField(required=False, allow_null=True)
    uniqueness_key = TextField(maximum=128, required=False, allow_null=True)


CHANGED = (
    "name", "description", "priority", "product_id", "rate_type", "rollover_fraction", "netsuite_sales_order_id",
    "applicable_product_tags", "specifiers",
)  # fmt: skip


def change_of(body: Mapping[str, Any]) -> BalanceChange:
    """A read edit as services take it."""
    fields = {name: body[name] for name in CHANGED if name in body}
    if fields.get("priority", ...) is None:
        fields["priority"] = Decimal(100)
    if fields.get("netsuite_sales_order_id", ...) is None:
        fields["netsuite_sales_order_id"] = ""
    if "hierarchy_configuration" in body:
        fields["child_access"] = child_access(body)
    if "applicable_product_ids" in body:
        fields["applicable_product_ids"] = [str(id_) for id_ in body["applicable_product_ids"] or ()]
    if "applicable_contract_ids" in body:
        asked = body["applicable_contract_ids"]
        fields["applicable_contract_ids"] = None if asked is None else [str(id_) for id_ in asked]
    access, invoices = (schedule_change(body.get(name)) for name in ("access_schedule", "invoice_schedule"))
    return BalanceChange(fields, access, invoices)


def recurring_change(body: Mapping[str, Any]) -> RecurringChange:
    """A read change of a recurring commit or credit as services take it."""
    fields = {name: body[name] for name in ("ending_before", "rate_type") if name in body}
    for name in ("access", "invoice"):
        given = body.get(f"{name}_amount", {})
        fields |= {f"{name}_{part}": given[part] for part in ("unit_price", "quantity") if part in given}
    if "proration_rounding" in body:
        asked = body["proration_rounding"]
        fields["proration_rounding"] = (
            None if asked is None else {name: None if rule is None else dict(rule) for name, rule in asked.items()}
        )
    return RecurringChange(body.get("recurring_commit_id") or body["recurring_credit_id"], fields)
