"""Commits, credits and their recurring forms in bodies, and how they become what services take."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from balances.api.hierarchy import ChildAccessConfigInput, child_access
from balances.models import AccessType, Balance, RecurringGrant
from balances.services.grants import NewBalance
from balances.services.new_recurring import NewRecurring
from catalog.api.rates import GroupValuesField
from charges.api.schedules import MAX_ITEMS, InvoiceScheduleInput, given_items, given_recurring
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
from engine.calendar import GRANT_FREQUENCIES
from engine.overrides import RateTarget
from engine.recurring import GrantProration

GATES = ("NONE",)
SCOPE = ("applicable_product_ids", "applicable_product_tags", "specifiers")
PLAIN = (
    "product_id", "name", "description", "priority", "rate_type", "rollover_fraction", "custom_fields",
    "netsuite_sales_order_id", "salesforce_opportunity_id", "uniqueness_key", "invoice_contract_id", "id",
)  # fmt: skip


def ids(**kwargs: Any) -> serializers.ListField:
    """A list of ids."""
    return serializers.ListField(child=IdField(), max_length=MAX_ITEMS, required=False, allow_null=True, **kwargs)


def tags() -> serializers.ListField:
    """A list of tags."""
    return serializers.ListField(child=TextField(maximum=200), max_length=100, required=False, allow_null=True)


class ExcludeInput(Input):
    """What is not paid after all: usage of products with all of these tags."""

    product_tags = serializers.ListField(child=TextField(maximum=200), min_length=1, max_length=100)


class SpecifierInput(Input):
    """Conditions that must all hold for usage to be paid."""

    product_id = IdField(required=False)
    product_tags = tags()
    pricing_group_values = GroupValuesField(required=False)
    presentation_group_values = GroupValuesField(nullable=True, required=False)
    exclude = serializers.ListField(child=ExcludeInput(), max_length=100, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Nothing said would mean everything, which is said by leaving specifiers out."""
        kept = {name: value for name, value in attrs.items() if value not in (None, [], {})}
        if not kept.keys() - {"exclude"}:
            raise serializers.ValidationError("a specifier needs a condition")
        if "exclude" in kept:
            kept["exclude"] = [dict(entry) for entry in kept["exclude"]]
        if "product_id" in kept:
            kept["product_id"] = str(kept["product_id"])
        return kept


def specifiers() -> serializers.ListField:
    """Alternatives: any may hold."""
    return serializers.ListField(child=SpecifierInput(), max_length=200, required=False, allow_null=True)


class AccessItemInput(Input):
    """A segment of access."""

    amount = ExactField(minimum=0)
    starting_at = InstantField(hour=True)
    ending_before = InstantField(hour=True, help_text="Exclusive. On the hour.")


class AccessScheduleInput(Input):
    """When how much may be used; USD (cents) unless a credit type is given."""

    credit_type_id = IdField(required=False, allow_null=True)
    access_type = WordField(AccessType, required=False)
    schedule_items = serializers.ListField(child=AccessItemInput(), min_length=1, max_length=MAX_ITEMS)


class GateInput(Input):
    """What must be paid before a commit is released; nothing as yet."""

    payment_gate_type = WordField(GATES, not_yet=("STRIPE", "EXTERNAL"))


class CreditInput(Input):
    """A credit."""

    product_id = IdField()
    access_schedule = AccessScheduleInput()
    name = TextField(required=False, allow_null=True)
    description = TextField(maximum=1000, required=False, allow_null=True)
    priority = ExactField(required=False, allow_null=True)
    rate_type = WordField(RateTarget, required=False, allow_null=True)
    applicable_product_ids = ids()
    applicable_product_tags = tags()
    specifiers = specifiers()
    custom_fields = CustomFieldsField(required=False, allow_null=True)
    netsuite_sales_order_id = TextField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Specifiers stand alone."""
        given = {name: value for name, value in attrs.items() if value is not None}
        if given.get("specifiers") and (given.get("applicable_product_ids") or given.get("applicable_product_tags")):
            raise serializers.ValidationError({"specifiers": ["exclude applicable products and tags"]})
        return given


class ContractCreditInput(CreditInput):
    """A credit of a contract."""

    rollover_fraction = ExactField(minimum=0, maximum=1, required=False, allow_null=True)
    hierarchy_configuration = ChildAccessConfigInput(required=False, allow_null=True)


class CommitInput(CreditInput):
    """A commit."""

    type = WordField(("PREPAID", "POSTPAID"))
    invoice_schedule = InvoiceScheduleInput(required=False, allow_null=True)


class TrackedInput(Input):
    """How spend trackers take a commit."""

    counts_as_discounted = FlagField()


class ContractCommitInput(CommitInput, ContractCreditInput):
    """A commit of a contract."""

    temporary_id = TextField(required=False, allow_null=True, help_text="For overrides of the same request.")
    payment_gate_config = GateInput(required=False, allow_null=True)
    spend_tracker_attributes = TrackedInput(required=False, allow_null=True)


class CustomerCreditInput(CreditInput):
    """A credit of a customer."""

    customer_id = IdField()
    priority = ExactField()
    applicable_contract_ids = ids()
    uniqueness_key = TextField(maximum=128, required=False, allow_null=True)
    salesforce_opportunity_id = TextField(required=False, allow_null=True)


class CustomerCommitInput(CommitInput, CustomerCreditInput):
    """A commit of a customer."""

    priority = ExactField()
    invoice_contract_id = IdField(required=False, allow_null=True)


class AmountInput(Input):
    """A unit price and a quantity."""

    unit_price = ExactField(minimum=0)
    quantity = ExactField(minimum=0, required=False)
    credit_type_id = IdField(required=False, allow_null=True)


class AccessAmountInput(AmountInput):
    """What each period grants; the quantity is needed, unless a subscription says it."""

    access_type = WordField(AccessType, required=False)


class DurationInput(Input):
    """How many periods access lasts."""

    value = WholeField(minimum=1, maximum=1000)
    unit = WordField(("PERIODS",), required=False)


class RoundingInput(Input):
    """How a prorated amount is rounded."""

    rounding_method = WordField(("HALF_UP", "FLOOR", "CEILING"))
    decimal_places = WholeField(minimum=-20, maximum=20)


class RoundingsInput(Input):
    """Of what is granted and of what is invoiced."""

    access = RoundingInput(required=False, allow_null=True)
    invoice = RoundingInput(required=False, allow_null=True)


class SeatIncreaseInput(Input):
    """What seats bring that come inside a period."""

    is_prorated = FlagField()


class SubscriptionConfigInput(Input):
    """The subscription whose quantity is granted for: pooled, or for each assigned seat of its own."""

    subscription_id = TextField(maximum=200, help_text="Its id, or its temporary_id in the same request.")
    apply_seat_increase_config = SeatIncreaseInput()
    allocation = WordField(RecurringGrant.Allocation.values, required=False, allow_null=True)


class RecurringCreditInput(Input):
    """A recurring credit."""

    product_id = IdField()
    priority = ExactField()
    starting_at = InstantField(hour=True)
    ending_before = InstantField(hour=True, required=False, allow_null=True)
    access_amount = AccessAmountInput()
    commit_duration = DurationInput()
    recurrence_frequency = WordField(GRANT_FREQUENCIES, required=False, allow_null=True)
    proration = WordField(GrantProration, required=False, allow_null=True)
    proration_rounding = RoundingsInput(required=False, allow_null=True)
    subscription_config = SubscriptionConfigInput(required=False, allow_null=True)
    name = TextField(required=False, allow_null=True)
    description = TextField(maximum=1000, required=False, allow_null=True)
    rate_type = WordField(RateTarget, required=False, allow_null=True)
    rollover_fraction = ExactField(minimum=0, maximum=1, required=False, allow_null=True)
    applicable_product_ids = ids()
    applicable_product_tags = tags()
    specifiers = specifiers()
    netsuite_sales_order_id = TextField(required=False, allow_null=True)
    hierarchy_configuration = ChildAccessConfigInput(required=False, allow_null=True)
    temporary_id = TextField(required=False, allow_null=True, help_text="For overrides of the same request.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What was not given is left out. Where a subscription says the quantity, one that is sent beside it is not
        used, and not shown.
        """
        given = {name: value for name, value in attrs.items() if value is not None}
        if "subscription_config" in given:
            given["access_amount"].pop("quantity", None)
        elif "quantity" not in given["access_amount"]:
            needed = ["is needed without subscription_config"]
            raise serializers.ValidationError({"access_amount": {"quantity": needed}})
        return given


class RecurringCommitInput(RecurringCreditInput):
    """A recurring commit."""

    invoice_amount = AmountInput(required=False, allow_null=True)


def new_balance(body: Mapping[str, Any]) -> NewBalance:
    """A read commit or credit as services take it."""
    access = body["access_schedule"]
    schedule = body.get("invoice_schedule") or {}
    contracts = body.get("applicable_contract_ids")
    return NewBalance(
        kind=body.get("type", Balance.Kind.CREDIT),
        access=tuple((item["amount"], item["starting_at"], item["ending_before"]) for item in access["schedule_items"]),
        credit_type_id=access.get("credit_type_id"),
        access_type=access.get("access_type", AccessType.SPEND),
        invoices=given_items(schedule),
        recurring_schedule=given_recurring(schedule),
        invoice_credit_type_id=schedule.get("credit_type_id"),
        do_not_invoice=schedule.get("do_not_invoice", False),
        child_access=child_access(body),
        counts_as_discounted=(body.get("spend_tracker_attributes") or {}).get("counts_as_discounted"),
        applicable_contract_ids=None if contracts is None else tuple(map(str, contracts)),
        **_scope(body),
        **{name: body[name] for name in PLAIN if name in body},
    )


def new_recurring(body: Mapping[str, Any], kind: str) -> NewRecurring:
    """A read recurring commit or credit as services take it."""
    access, invoice = body["access_amount"], body.get("invoice_amount")
    given = {name: body[name] for name in PLAIN if name in body and name not in ("custom_fields", "uniqueness_key")}
    for name in ("starting_at", "ending_before", "proration", "proration_rounding"):
        if name in body:
            given[name] = body[name]
    if "proration_rounding" in given:
        given["proration_rounding"] = {
            name: dict(rule) for name, rule in given["proration_rounding"].items() if rule is not None
        }
    if config := body.get("subscription_config"):
        given["subscription_id"] = config["subscription_id"]
        given["allocation"] = config.get("allocation") or RecurringGrant.Allocation.POOLED
        given["seat_increase_is_prorated"] = config["apply_seat_increase_config"]["is_prorated"]
    return NewRecurring(
        kind=kind,
        access=(access["unit_price"], access.get("quantity", Decimal(1))),
        credit_type_id=access.get("credit_type_id"),
        access_type=access.get("access_type", AccessType.SPEND),
        invoice=None if invoice is None else (invoice["unit_price"], invoice.get("quantity", Decimal(1))),
        invoice_credit_type_id=None if invoice is None else invoice.get("credit_type_id"),
        duration=body["commit_duration"]["value"],
        frequency=body.get("recurrence_frequency", ""),
        child_access=child_access(body),
        **_scope(body),
        **given,
    )


def _scope(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "applicable_product_ids": tuple(map(str, body.get("applicable_product_ids") or ())),
        "applicable_product_tags": tuple(body.get("applicable_product_tags") or ()),
        "specifiers": tuple(body.get("specifiers") or ()),
    }
