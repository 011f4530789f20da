"""Contracts on the wire: v1 and v2 shapes."""

from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contracts import selectors, services
from contracts.api.overrides import new_override, overrides_field, present_overrides
from contracts.models import Contract
from core.api.fields import CustomFieldsField, FlagField, IdField, Input, InstantField, TextField, WholeField, WordField
from core.api.output import IdOutput, envelope
from core.api.paging import Style, page_request, paginate
from core.api.views import ApiView, data
from core.clock import now


class ScheduleInput(Input):
    frequency = WordField(Contract.Frequency.values)
    day = WordField(Contract.Day.values, required=False, allow_null=True)
    billing_anchor_date = InstantField(required=False, allow_null=True)
    invoice_generation_starting_at = InstantField(hour=True, required=False, allow_null=True)


class CreateInput(Input):
    not_yet = (
        "billing_provider_configuration", "commits", "credits", "discounts", "hierarchy_configuration", "package_alias", "package_id", "prepaid_balance_threshold_configuration",
        "professional_services", "recurring_commits", "recurring_credits", "reseller_royalties",
        "revenue_system_configuration", "scheduled_charges", "scheduled_charges_on_usage_invoices",
        "spend_threshold_configuration", "spend_trackers", "subscriptions", "transition", "usage_filter",
    )  # fmt: skip
    customer_id = IdField()
    starting_at = InstantField(hour=True)
    ending_before = InstantField(hour=True, required=False, allow_null=True)
    rate_card_id = IdField(required=False, allow_null=True)
    rate_card_alias = TextField(maximum=128, required=False, allow_null=True)
    name = TextField(required=False, allow_null=True)
    net_payment_terms_days = WholeField(maximum=3650, required=False, allow_null=True)
    usage_statement_schedule = ScheduleInput(required=False, allow_null=True)
    overrides = overrides_field()
    multiplier_override_prioritization = WordField(Contract.Prioritization.values, required=False)
    uniqueness_key = TextField(maximum=128, required=False, allow_null=True)
    custom_fields = CustomFieldsField(required=False, allow_null=True)


class ContractInput(Input):
    customer_id = IdField()
    contract_id = IdField()


class ListInput(Input):
    customer_id = IdField()
    covering_date = InstantField(required=False, allow_null=True)
    starting_at = InstantField(required=False, allow_null=True)
    include_archived = FlagField(required=False, default=False)


class ArchiveInput(ContractInput):
    void_invoices = FlagField()


class EndDateInput(ContractInput):
    ending_before = InstantField(hour=True, required=False, allow_null=True)
    allow_ending_before_finalized_invoice = FlagField(required=False, default=True)


class CreateContract(ApiView):
    """POST /v1/contracts/create"""

    resource = "contracts"

    @extend_schema(
        request=CreateInput, responses=envelope(IdOutput), operation_id="createContract-v1", tags=["Contracts"]
    )
    def post(self, request: Request) -> Response:
        body = self.read_body(request, CreateInput)
        asked = body.pop("usage_statement_schedule", None)
        schedule = (
            services.UsageStatementSchedule(**{k: v for k, v in asked.items() if v is not None}) if asked else None
        )
        given = {name: value for name, value in body.items() if value is not None}
        given["overrides"] = [new_override(entry) for entry in body.get("overrides", ())]
        return data({"id": services.create_contract(**given, schedule=schedule, now=now()).pk})


class RetrieveContract(ApiView):
    """POST /v1/contracts/get and /v2/contracts/get"""

    resource, access = "contracts", "read"

    @extend_schema(request=ContractInput, responses=OpenApiTypes.OBJECT, tags=["Contracts"])
    def post(self, request: Request, version: int) -> Response:
        body = self.read_body(request, ContractInput)
        contract = selectors.get_contract(contract_id=body["contract_id"], customer_id=body["customer_id"])
        return data(present(contract, version, now()))


class ListContracts(ApiView):
    """POST /v1/contracts/list and /v2/contracts/list; `cursor` in body and answer."""

    resource, access = "contracts", "read"

    @extend_schema(request=ListInput, responses=OpenApiTypes.OBJECT, tags=["Contracts"])
    def post(self, request: Request, version: int) -> Response:
        body = self.read_body(request, ListInput)
        rows, cursor = paginate(selectors.list_contracts(**body), page_request(request, Style.BODY_CURSOR))
        return Response({"data": [present(row, version, now()) for row in rows], "cursor": cursor})


class ArchiveContract(ApiView):
    """POST /v1/contracts/archive"""

    resource = "contracts"

    @extend_schema(request=ArchiveInput, responses=envelope(IdOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        body = self.read_body(request, ArchiveInput)
        return data({"id": services.archive_contract(**body, now=now()).pk})


class UpdateEndDate(ApiView):
    """POST /v1/contracts/updateEndDate; without ending_before the contract becomes open-ended."""

    resource = "contracts"

    @extend_schema(request=EndDateInput, responses=envelope(IdOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        body = self.read_body(request, EndDateInput)
        return data({"id": services.update_end_date(**({"ending_before": None} | body), now=now()).pk})


def present(contract: Contract, version: int, at: datetime) -> dict[str, Any]:
    """A contract in the shape of v1 (`initial`, `current`, `amendments`) or v2 (flat)."""
    standing = selectors.standing_overrides(contract)
    terms: dict[str, Any] = {
        "name": contract.name or None,
        "starting_at": contract.starting_at,
        "ending_before": contract.ending_before,
        "rate_card_id": contract.rate_card_id,
        "net_payment_terms_days": contract.net_payment_terms_days,
        "usage_statement_schedule": {
            "frequency": contract.billing_frequency,
            "billing_anchor_date": contract.billing_anchor_at,
            "invoice_generation_starting_at": contract.invoice_generation_starting_at,
        },
        "multiplier_override_prioritization": contract.multiplier_override_prioritization,
        "overrides": present_overrides(standing, version, at),
        "created_at": contract.created_at,
        "created_by": contract.created_by,
        **{
            name: []
            for name in ("commits", "credits", "scheduled_charges", "transitions", "discounts", "recurring_commits",
                         "recurring_credits")
        },
    }  # fmt: skip
    whole = {
        "id": contract.pk,
        "customer_id": contract.customer_id,
        "archived_at": contract.archived_at,
        "custom_fields": contract.custom_fields,
        "uniqueness_key": contract.uniqueness_key,
        "subscriptions": [],
    }
    if version == 1:
        first = [row for row in contract.overrides.all() if row.added_by_id is None]
        initial = terms | {"overrides": present_overrides(first, version, at)}
        return whole | {"initial": initial, "current": terms, "amendments": []}
    return terms | whole | {"usage_filter": []}
