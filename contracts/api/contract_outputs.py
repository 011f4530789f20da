"""Contracts on the wire, read: what v1 and v2 say of them."""

from rest_framework import serializers

from contracts.api.hierarchy import HierarchyOutput
from contracts.api.overrides import OverrideOutput
from contracts.api.subscription_outputs import SubscriptionOutput
from contracts.api.usage_filters import UsageFiltersOutput, UsageFilterSpanOutput
from contracts.parts import contract_parts
from contracts.trial_part import TrialOutput
from core.api.dry_run import DryRunIdOutput
from core.api.fields import CustomFieldsField, ExactField, InstantField
from core.api.output import NoneYetField, Output
from customers.api.providers import ProviderOutput, WarningOutput


class ScheduleOutput(Output):
    """How often usage is billed; the periods are counted from the anchor date."""

    frequency = serializers.CharField(source="billing_frequency")
    billing_anchor_date = InstantField(source="billing_anchor_at")
    invoice_generation_starting_at = InstantField(required=False)


class TransitionOutput(Output):
    """How one contract followed another; the contract is one of the two."""

    type = serializers.CharField()
    from_contract_id = serializers.UUIDField()
    to_contract_id = serializers.UUIDField()


class TermsOutput(Output):
    """What was agreed."""

    name = serializers.CharField(required=False)
    starting_at = InstantField()
    ending_before = InstantField(required=False)
    rate_card_id = serializers.UUIDField(required=False)
    net_payment_terms_days = serializers.IntegerField()
    usage_statement_schedule = ScheduleOutput(source="*")
    created_at = InstantField()
    created_by = serializers.CharField()
    multiplier_override_prioritization = serializers.CharField()
    scheduled_charges_on_usage_invoices = serializers.CharField(required=False)
    netsuite_sales_order_id = serializers.CharField(required=False)
    salesforce_opportunity_id = serializers.CharField(required=False)
    total_contract_value = ExactField(required=False)
    overrides = OverrideOutput(many=True)
    transitions = TransitionOutput(many=True)
    hierarchy_configuration = HierarchyOutput(required=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        """These and what the parts show."""
        return super().get_fields() | {
            name: field for part in contract_parts() for name, field in part.term_fields().items()
        }


class CreatedOutput(DryRunIdOutput):
    """The new contract's id."""

    warnings = WarningOutput(many=True, required=False)


class ContractOutput(Output):
    """What both versions say of a contract."""

    warnings = WarningOutput(many=True, required=False)

    id = serializers.UUIDField()
    customer_id = serializers.UUIDField()
    package_id = serializers.UUIDField(required=False)
    archived_at = InstantField(required=False)
    custom_fields = CustomFieldsField()
    uniqueness_key = serializers.CharField(required=False)
    subscriptions = SubscriptionOutput(many=True)
    trial = TrialOutput(required=False, help_text="Of ours.")


class TermsV1Output(TermsOutput):
    """What was agreed, as v1 has it."""

    usage_filter = UsageFiltersOutput(required=False)


class ContractV1Output(ContractOutput):
    """A contract with its terms as `initial` and as `current`."""

    customer_billing_provider_configuration = ProviderOutput(required=False)

    initial = TermsV1Output()
    current = TermsV1Output()
    amendments = NoneYetField()


class ContractV2Output(TermsOutput, ContractOutput):
    """A contract, flat."""

    usage_filter = UsageFilterSpanOutput(many=True)
