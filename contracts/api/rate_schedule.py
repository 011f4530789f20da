"""`/v1/contracts/getContractRateSchedule`: what a contract pays."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.prices import CostOutput, PriceOutput
from catalog.api.rates import page_of_entries, picked, present_rate, present_terms, selectors_field
from catalog.prices import wire_of
from contracts import selectors
from contracts.selectors import ContractRate
from core.api.fields import CustomFieldsField, IdField, Input, InstantField
from core.api.output import PAGING, Output, page_of
from core.api.views import ApiView
from core.clock import now


class ScheduleInput(Input):
    """Whose rates, at which instant (now unless given)."""

    customer_id = IdField()
    contract_id = IdField()
    at = InstantField(required=False, allow_null=True)
    selectors = selectors_field()


class ContractRateOutput(Output):
    """A rate of the card, and what overrides make of it."""

    rate_card_id = serializers.UUIDField()
    product_id = serializers.UUIDField()
    product_name = serializers.CharField()
    product_tags = serializers.ListField(child=serializers.CharField())
    product_custom_fields = CustomFieldsField()
    entitled = serializers.BooleanField()
    starting_at = InstantField()
    ending_before = InstantField(required=False)
    pricing_group_values = CustomFieldsField(required=False)
    billing_frequency = serializers.CharField(required=False)
    list_rate = PriceOutput()
    override_rate = PriceOutput(required=False)
    commit_rate = CostOutput(required=False)


class GetContractRateSchedule(ApiView):
    """Reading."""

    resource, access = "contracts", "read"

    @extend_schema(parameters=PAGING, request=ScheduleInput, responses=page_of(ContractRateOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """List the rates of a contract at an instant, overrides applied."""
        body = self.read_body(request, ScheduleInput)
        contract = selectors.get_contract(contract_id=body["contract_id"], customer_id=body["customer_id"])
        found = selectors.list_contract_rates(contract=contract, at=body.get("at") or now(), selectors=picked(body))
        orders = [entry.listed.order for entry in found]
        return page_of_entries(found, orders, request, lambda shown: ContractRateOutput.of_each(map(_row, shown)))


def _row(entry: ContractRate) -> dict[str, Any]:
    rate, state = entry.listed.rate, entry.listed.state
    row = {
        "rate_card_id": rate.rate_card_id,
        "product_id": rate.product_id,
        "product_name": state.name,
        "product_tags": state.tags,
        "product_custom_fields": rate.product.custom_fields,
        "entitled": entry.decision.entitled,
        "starting_at": entry.starting_at,
        "ending_before": entry.ending_before,
        "list_rate": present_rate(rate),
        **present_terms(rate),
    }
    if entry.decision.winner is not None:
        row["override_rate"] = wire_of(entry.decision.price) | {"credit_type": rate.credit_type}
    return row
