"""What the invoices' own views write, for /openapi.json."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.api.schema import UnitOutput
from core.api.fields import ExactField, InstantField
from core.api.output import Output
from invoices.selectors.late import UnbilledUsage

COMPONENTS = "InvoicesSchema"
"""The beginning of these names in /openapi.json, wherever the code lies."""


class LateLineOutput(Output):
    """A line whose quantity has changed since it was invoiced. `quantity` and `amount` are what came later."""

    product_id = serializers.UUIDField(source="line.product_id", required=False)
    name = serializers.CharField(source="line.name")
    starting_at = InstantField(source="line.starting_at")
    ending_before = InstantField(source="line.ending_before")
    pricing_group_values = serializers.DictField(source="line.pricing_group_values")
    presentation_group_values = serializers.DictField(source="line.presentation_group_values")
    invoiced_quantity = ExactField()
    invoiced_total = ExactField()
    quantity = ExactField()
    amount = ExactField()


class UnbilledUsageOutput(Output):
    """What changed in a finalized invoice's period after it was final. The invoice itself never changes."""

    invoice_id = serializers.UUIDField()
    invoice_number = serializers.CharField(source="number")
    contract_id = serializers.UUIDField()
    starting_at = InstantField(source="period.start")
    ending_before = InstantField(source="period.end")
    finalized_at = InstantField()
    credit_type = serializers.SerializerMethodField()
    amount = ExactField()
    line_items = LateLineOutput(source="lines", many=True)

    @extend_schema_field(UnitOutput)
    def get_credit_type(self, row: UnbilledUsage) -> dict[str, str]:
        """The unit of the amounts."""
        return {"id": str(row.currency.credit_type_id), "name": row.currency.name}
