"""What `billing.api.presenters` writes, for /openapi.json. A test compares the two field by field."""

from rest_framework import serializers

from catalog.api.prices import PriceOutput
from core.api.fields import CustomFieldsField, ExactField, InstantField, WordField
from core.api.output import NoneYetField, Output
from engine.invoice_states import InvoiceStatus, InvoiceType

COMPONENTS = "InvoicesSchema"
"""The beginning of these names in /openapi.json, wherever the code lies."""


class UnitOutput(Output):
    """The unit of the amounts: cents for USD."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class TierOutput(Output):
    """The tier that a line is billed in; the last one has no size."""

    level = serializers.IntegerField()
    starting_at = serializers.CharField()
    size = serializers.CharField(allow_null=True)


class PostpaidOutput(Output):
    """The commit whose true-up a line charges."""

    id = serializers.UUIDField()


class AppliedOutput(Output):
    """The commit or credit that pays a line."""

    id = serializers.UUIDField()
    type = serializers.CharField()
    access_type = serializers.CharField()


class LineOutput(Output):
    """A line item, exact."""

    id = serializers.UUIDField()
    type = serializers.CharField()
    name = serializers.CharField()
    product_id = serializers.UUIDField(allow_null=True)
    product_type = serializers.CharField(allow_null=True)
    credit_type = UnitOutput()
    quantity = ExactField(allow_null=True)
    unit_price = ExactField(allow_null=True)
    total = ExactField()
    starting_at = InstantField(allow_null=True)
    ending_before = InstantField(allow_null=True)
    product_custom_fields = CustomFieldsField()
    pricing_group_values = CustomFieldsField(required=False)
    presentation_group_values = serializers.DictField(child=serializers.CharField(allow_null=True), required=False)
    tier = TierOutput(required=False)
    commit_id = serializers.UUIDField(required=False)
    commit_segment_id = serializers.UUIDField(required=False)
    commit_type = serializers.CharField(required=False)
    commit_custom_fields = CustomFieldsField(required=False)
    commit_netsuite_sales_order_id = serializers.CharField(required=False)
    applied_commit_or_credit = AppliedOutput(required=False)
    postpaid_commit = PostpaidOutput(required=False)
    quantity_consumed = ExactField(required=False)
    subscription_id = serializers.UUIDField(required=False)
    subscription_custom_fields = CustomFieldsField(required=False)
    list_price = PriceOutput(required=False, allow_null=True)


class UnratedOutput(Output):
    """Usage that no rate prices: shown, never silently dropped."""

    product_id = serializers.UUIDField()
    name = serializers.CharField()
    quantity = serializers.CharField()
    event_count = serializers.IntegerField()
    reason = serializers.CharField()
    starting_at = InstantField()
    ending_before = InstantField()
    pricing_group_values = serializers.DictField(child=serializers.CharField(allow_null=True))
    presentation_group_values = serializers.DictField(child=serializers.CharField(allow_null=True))


class PartyOutput(Output):
    """The seller or the buyer of an invoice, as they were when it was issued; of a draft, as they are now."""

    name = serializers.CharField()
    address_lines = serializers.ListField(child=serializers.CharField())
    email = serializers.CharField()
    tax_ids = serializers.ListField(child=serializers.CharField())


class InvoiceOutput(Output):
    """An invoice; counted lines + `rounding` = `total`."""

    id = serializers.UUIDField()
    type = WordField(InvoiceType)
    status = WordField(InvoiceStatus)
    customer_id = serializers.UUIDField()
    contract_id = serializers.UUIDField()
    start_timestamp = InstantField(allow_null=True)
    end_timestamp = InstantField(allow_null=True)
    issued_at = InstantField(allow_null=True)
    created_at = InstantField()
    credit_type = UnitOutput()
    subtotal = ExactField()
    rounding = ExactField()
    total = ExactField()
    line_items = LineOutput(many=True)
    net_payment_terms_days = serializers.IntegerField()
    regenerated_from_invoice_id = serializers.UUIDField(allow_null=True)
    billable_status = serializers.CharField()
    external_invoice = serializers.DictField(allow_null=True)
    custom_fields = CustomFieldsField()
    customer_custom_fields = CustomFieldsField()
    contract_custom_fields = CustomFieldsField()
    invoice_adjustments = NoneYetField()
    number = serializers.CharField(allow_null=True)
    document_date = serializers.DateField(allow_null=True)
    due_date = serializers.DateField(allow_null=True)
    seller = PartyOutput()
    buyer = PartyOutput()
    contract_name = serializers.CharField()
    unrated = UnratedOutput(many=True)


class BreakdownOutput(InvoiceOutput):
    """One day or hour of an invoice."""

    breakdown_start_timestamp = InstantField()
    breakdown_end_timestamp = InstantField()


class ExplanationOutput(Output):
    """How a line came about: enough to recompute it by hand. Numbers are exact decimal strings."""

    kind = serializers.CharField()
    metric = serializers.DictField()
    event_count = serializers.IntegerField()
    metric_quantity = serializers.CharField()
    conversion = serializers.DictField(allow_null=True)
    rounding = serializers.DictField(allow_null=True)
    quantity = serializers.CharField()
    rate = serializers.DictField()
    list_price = serializers.DictField()
    tier = serializers.DictField(allow_null=True)
    line = serializers.DictField()
    override = serializers.CharField(allow_null=True)
    overrides = serializers.DictField()
    balance = serializers.DictField(allow_null=True)
    steps = serializers.ListField(child=serializers.CharField())
