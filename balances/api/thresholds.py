"""Threshold configurations and spend trackers in bodies and answers."""

from typing import Any, Final

from rest_framework import serializers

from balances.api.inputs import ids, specifiers, tags
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
from core.api.output import Output, ToldOutput
from customers.api.providers import ChoiceField
from engine.calendar import OffsetUnit
from engine.overrides import RateTarget

GATES: Final = ("NONE", "STRIPE", "EXTERNAL")
TAXES: Final = ("NONE", "STRIPE", "ANROK", "PRECALCULATED")
ENTITIES: Final = ("Commit", "ContractCredit", "ContractCreditOrCommit")
SOURCES: Final = ("THRESHOLD_RECHARGE", "MANUAL")


class SpecifierInput(Input):
    """What a tracker counts."""

    spend_type = WordField(("COMMIT_PURCHASE",))
    sources = serializers.ListField(child=WordField(SOURCES), min_length=1, max_length=len(SOURCES))
    discounted = WordField(("ANY", "DISCOUNTED_ONLY", "UNDISCOUNTED_ONLY"), required=False, allow_null=True)


class TrackerInput(Input):
    """A spend tracker."""

    alias = TextField(maximum=128)
    credit_type_id = IdField()
    reset_frequency = WordField(("BILLING_PERIOD",))
    applicable_spend_specifiers = serializers.ListField(child=SpecifierInput(), min_length=1, max_length=10)


class StripeConfigInput(Input):
    """How Stripe collects."""

    payment_type = WordField(("INVOICE", "PAYMENT_INTENT"))
    invoice_metadata = CustomFieldsField(required=False, allow_null=True)


class TaxConfigInput(Input):
    """A tax that the client has worked out."""

    tax_amount = ExactField(minimum=0)
    tax_name = TextField(required=False, allow_null=True)


class GateConfigInput(Input):
    """What must be paid before a commit is released."""

    payment_gate_type = WordField(GATES)
    stripe_config = StripeConfigInput(required=False, allow_null=True)
    tax_type = WordField(TAXES, required=False, allow_null=True)
    precalculated_tax_config = TaxConfigInput(required=False, allow_null=True)


class CapInput(Input):
    """Up to where a discount applies."""

    amount = ExactField(minimum=0)
    spend_tracker_alias = TextField(maximum=128)


class DiscountInput(Input):
    """A discount on what is charged."""

    payment_fraction = ExactField(minimum=0, maximum=1)
    cap = CapInput(required=False, allow_null=True)


class DiscountChangeInput(Input):
    """What changes of it; null clears."""

    payment_fraction = ExactField(minimum=0, maximum=1, required=False, allow_null=True)
    cap = CapInput(required=False, allow_null=True)


class SpendCommitInput(Input):
    """The commit that a charge makes."""

    product_id = IdField()
    name = TextField(required=False, allow_null=True)
    description = TextField(maximum=1000, required=False, allow_null=True)
    priority = ExactField(required=False, allow_null=True)


class LengthInput(Input):
    """How long something lasts."""

    value = WholeField(minimum=1, maximum=100_000)
    unit = WordField(OffsetUnit)


class PrepaidCommitInput(SpendCommitInput):
    """The commit that a recharge makes."""

    applicable_product_ids = ids()
    applicable_product_tags = tags()
    specifiers = specifiers()
    duration = LengthInput(required=False, allow_null=True)
    rate_type = WordField(RateTarget, required=False, allow_null=True)
    rollover_fraction = ExactField(minimum=0, maximum=1, required=False, allow_null=True)


class SpendCommitChangeInput(SpendCommitInput):
    """What changes of the commit; null clears."""

    product_id = IdField(required=False)


class PrepaidCommitChangeInput(PrepaidCommitInput):
    """What changes of the commit; null clears."""

    product_id = IdField(required=False)


class FilterInput(Input):
    """A custom field of balances."""

    entity = ChoiceField(ENTITIES)
    key = TextField()
    value = TextField()


class ExcludeInput(Input):
    """Balances that have all of these."""

    custom_field_filters = serializers.ListField(child=FilterInput(), min_length=1, max_length=10)


class BalanceSpecifierInput(Input):
    """Balances that do not count towards what is left."""

    exclude = serializers.ListField(child=ExcludeInput(), min_length=1, max_length=10)


class SpendThresholdInput(Input):
    """A charge each time usage has come to an amount."""

    commit = SpendCommitInput()
    is_enabled = FlagField()
    payment_gate_config = GateConfigInput()
    threshold_amount = ExactField(minimum=0)
    discount_configuration = DiscountInput(required=False, allow_null=True)


class PrepaidThresholdInput(SpendThresholdInput):
    """A recharge each time the balance has gone down to an amount."""

    commit = PrepaidCommitInput()
    recharge_to_amount = ExactField(minimum=0)
    custom_credit_type_id = IdField(required=False, allow_null=True)
    threshold_balance_specifiers = serializers.ListField(
        child=BalanceSpecifierInput(), max_length=10, required=False, allow_null=True
    )


class SpendThresholdChangeInput(Input):
    """What changes of it."""

    commit: SpendCommitInput = SpendCommitChangeInput(required=False)
    is_enabled = FlagField(required=False)
    payment_gate_config = GateConfigInput(required=False)
    threshold_amount = ExactField(minimum=0, required=False)
    discount_configuration = DiscountChangeInput(required=False, allow_null=True)


class PrepaidThresholdChangeInput(SpendThresholdChangeInput):
    """What changes of it."""

    commit = PrepaidCommitChangeInput(required=False)
    recharge_to_amount = ExactField(minimum=0, required=False)
    custom_credit_type_id = IdField(required=False, allow_null=True)
    threshold_balance_specifiers = serializers.ListField(
        child=BalanceSpecifierInput(), max_length=10, required=False, allow_null=True
    )


class SpendThresholdOutput(Output):
    """A spend threshold, as it was agreed."""

    commit = serializers.DictField()
    is_enabled = serializers.BooleanField()
    payment_gate_config = serializers.DictField()
    threshold_amount = ExactField()
    discount_configuration = serializers.DictField(required=False)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """What is stored is plain data, exact."""
        return dict(instance)


class PrepaidThresholdOutput(SpendThresholdOutput):
    """A prepaid balance threshold, as it was agreed."""

    recharge_to_amount = ExactField()
    custom_credit_type_id = serializers.UUIDField(required=False)
    threshold_balance_specifiers = serializers.ListField(child=serializers.DictField(), required=False)


class SpendThresholdToldOutput(ToldOutput):
    """What an edit changed of a spend threshold, as it was asked for."""

    commit = serializers.DictField(required=False)
    is_enabled = serializers.BooleanField(required=False)
    payment_gate_config = serializers.DictField(required=False)
    threshold_amount = ExactField(required=False)
    discount_configuration = serializers.DictField(required=False)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """What was asked for is plain data, exact."""
        return dict(instance)


class PrepaidThresholdToldOutput(SpendThresholdToldOutput):
    """What an edit changed of a prepaid balance threshold, as it was asked for."""

    recharge_to_amount = ExactField(required=False)
    custom_credit_type_id = serializers.UUIDField(required=False)
    threshold_balance_specifiers = serializers.ListField(child=serializers.DictField(), required=False)


class AccumulatedOutput(Output):
    """What a tracker has counted in the billing period that is on."""

    amount = ExactField()
    period_starting_at = InstantField()
    period_ending_before = InstantField()


class TrackerOutput(Output):
    """A spend tracker."""

    alias = serializers.CharField()
    credit_type_id = serializers.UUIDField()
    reset_frequency = serializers.CharField()
    applicable_spend_specifiers = serializers.ListField(child=serializers.DictField())
    accumulated_spend = AccumulatedOutput(required=False)
