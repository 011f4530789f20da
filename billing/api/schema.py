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
    product_id = serializers.UUIDField(required=False)
    product_type = serializers.CharField(required=False)
    credit_type = UnitOutput()
    quantity = ExactField(required=False)
    unit_price = ExactField(required=False)
    total = ExactField()
    starting_at = InstantField(required=False)
    ending_before = InstantField(required=False)
    product_custom_fields = CustomFieldsField()
    product_tags = serializers.ListField(child=serializers.CharField(), required=False)
    custom_fields = CustomFieldsField(required=False, help_text="Those of the product.")
    netsuite_item_id = serializers.CharField(required=False)
    is_prorated = serializers.BooleanField(required=False, help_text="Of subscriptions: whether it is for a part.")
    pricing_group_values = CustomFieldsField(required=False)
    presentation_group_values = serializers.DictField(child=serializers.CharField(allow_null=True), required=False)
    tier = TierOutput(required=False)
    commit_id = serializers.UUIDField(required=False)
    commit_segment_id = serializers.UUIDField(required=False)
    commit_type = serializers.CharField(required=False)
    commit_custom_fields = CustomFieldsField(required=False)
    scheduled_charge_id = serializers.UUIDField(required=False)
    scheduled_charge_custom_fields = serializers.DictField(child=serializers.CharField(), required=False)
    discount_id = serializers.UUIDField(required=False)
    discount_custom_fields = serializers.DictField(child=serializers.CharField(), required=False)
    commit_netsuite_sales_order_id = serializers.CharField(required=False)
    commit_netsuite_item_id = serializers.CharField(required=False)
    applied_commit_or_credit = AppliedOutput(required=False)
    postpaid_commit = PostpaidOutput(required=False)
    quantity_consumed = ExactField(required=False)
    subscription_id = serializers.UUIDField(required=False)
    subscription_custom_fields = CustomFieldsField(required=False)
    list_price = PriceOutput(required=False)


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
    po_number = serializers.CharField(required=False, help_text="Of the buyer, where it has one.")


class PayerOutput(Output):
    """The contract and the customer that pay."""

    contract_id = serializers.UUIDField()
    customer_id = serializers.UUIDField()


class InvoiceOutput(Output):
    """An invoice; counted lines + `rounding` = `total`."""

    id = serializers.UUIDField()
    type = WordField(InvoiceType)
    status = WordField(InvoiceStatus)
    customer_id = serializers.UUIDField()
    contract_id = serializers.UUIDField()
    payer = PayerOutput(required=False, help_text="Of a child contract's invoices.")
    start_timestamp = InstantField(required=False)
    end_timestamp = InstantField(required=False)
    issued_at = InstantField(required=False, help_text="Of a SCHEDULED draft: the date that it will be issued for.")
    created_at = InstantField()
    credit_type = UnitOutput()
    subtotal = ExactField()
    rounding = ExactField()
    total = ExactField()
    line_items = LineOutput(many=True)
    net_payment_terms_days = serializers.IntegerField()
    regenerated_from_invoice_id = serializers.UUIDField(required=False)
    billable_status = serializers.CharField()
    custom_fields = CustomFieldsField()
    customer_custom_fields = CustomFieldsField()
    contract_custom_fields = CustomFieldsField()
    netsuite_sales_order_id = serializers.CharField(required=False, help_text="The contract's.")
    salesforce_opportunity_id = serializers.CharField(required=False, help_text="The contract's.")
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


class SourceOutput(Output):
    """What a line charges, or takes off, by date."""

    id = serializers.CharField()
    name = serializers.CharField()


class ExplanationOutput(Output):
    """How a line came about: enough to recompute it by hand. Numbers are exact decimal strings."""

    kind = serializers.CharField()
    steps = serializers.ListField(child=serializers.CharField())
    # of lines with a price
    metric = serializers.DictField(required=False)
    event_count = serializers.IntegerField(required=False)
    metric_quantity = serializers.CharField(required=False)
    conversion = serializers.DictField(required=False, allow_null=True)
    rounding = serializers.DictField(required=False, allow_null=True)
    quantity = serializers.CharField(required=False)
    rate = serializers.DictField(required=False)
    list_price = serializers.DictField(required=False)
    tier = serializers.DictField(required=False, allow_null=True)
    line = serializers.DictField(required=False)
    override = serializers.CharField(required=False, allow_null=True)
    overrides = serializers.DictField(required=False)
    balance = serializers.DictField(required=False, allow_null=True)
    # of composites, and of subscriptions
    contributions = serializers.ListField(child=serializers.DictField(), required=False)
    proration = serializers.DictField(required=False, allow_null=True)
    # of what a balance pays, and of what is charged for one
    before = serializers.CharField(required=False)
    drawn = serializers.CharField(required=False)
    after = serializers.CharField(required=False)
    amount = serializers.CharField(required=False)
    charge = SourceOutput(required=False)
    due = serializers.CharField(required=False)
