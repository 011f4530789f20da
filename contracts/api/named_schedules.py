"""`/v1/contracts/…NamedSchedule…`."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contracts import selectors, services
from core.api.fields import CustomFieldsField, IdField, Input, InstantField, LimitField, TextField
from core.api.named_schedules import (
    RetrieveInput,
    SegmentOutput,
    UpdateInput,
    change,
    present_segment,
    present_segments,
)
from core.api.output import Output, list_of, page_of
from core.api.paging import Style, encode, foreign, page_request
from core.api.views import ApiView, data, listing
from core.clock import now
from core.named_schedules import schedules_of
from customers.selectors import require_customer


class ContractRetrieveInput(RetrieveInput):
    """Which schedule of which contract; with `properties`, the first that has at least these."""

    customer_id = IdField()
    contract_id = IdField()
    properties = CustomFieldsField(required=False)


class ContractUpdateInput(UpdateInput):
    """A value of a contract's schedule; `properties` tell schedules of one name apart."""

    customer_id = IdField()
    contract_id = IdField()
    properties = CustomFieldsField(required=False)


class ListInput(Input):
    """Which schedules of a customer's contracts."""

    customer_id = IdField()
    contract_id = IdField(required=False)
    schedule_name = TextField(maximum=200, required=False)
    covering_date = InstantField(required=False)
    properties = CustomFieldsField(required=False)
    limit = LimitField(help_text="At most 100; more means 100.")
    next_page = TextField(maximum=2000, minimum=0, required=False, allow_null=True)


class ScheduleOutput(Output):
    """A contract's schedule."""

    contract_id = serializers.UUIDField()
    schedule_name = serializers.CharField()
    properties = CustomFieldsField()
    segments = SegmentOutput(many=True)


class GetNamedSchedule(ApiView):
    """Reading."""

    resource, access = "contracts", "read"

    @extend_schema(request=ContractRetrieveInput, responses=list_of(SegmentOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """Read a named schedule of a contract; it is empty until something was set."""
        body = self.read_body(request, ContractRetrieveInput)
        contract = selectors.get_contract(contract_id=body["contract_id"], customer_id=body["customer_id"])
        rows = contract.named_schedule_entries.filter(name=body["schedule_name"])
        found = schedules_of(rows, covering=body.get("covering_date"), properties=body.get("properties"))
        return data(present_segments(found))


class UpdateNamedSchedule(ApiView):
    """Writing."""

    resource = "contracts"

    @extend_schema(request=ContractUpdateInput, responses=None, tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """Set the value of a contract's named schedule from an instant on."""
        body = self.read_body(request, ContractUpdateInput)
        services.update_named_schedule(
            contract_id=body["contract_id"],
            customer_id=body["customer_id"],
            properties=body.get("properties"),
            now=now(),
            **change(body),
        )
        return Response(None)


class ListNamedSchedules(ApiView):
    """Listing."""

    resource, access = "contracts", "read"

    @extend_schema(request=ListInput, responses=page_of(ScheduleOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """List the named schedules of a customer's contracts; `limit` and `next_page` stand in the body."""
        body = self.read_body(request, ListInput)
        require_customer(customer_id=body["customer_id"], field="customer_id")
        page = page_request(request, Style.BODY)
        if page.after is not None and [type(part) for part in page.after] != [int]:
            raise foreign(page.field)
        found = [
            (contract_id, schedule)
            for contract_id, rows in selectors.named_schedule_entries(
                customer_id=body["customer_id"],
                contract_id=body.get("contract_id"),
                name=body.get("schedule_name"),
            )
            for schedule in schedules_of(rows, covering=body.get("covering_date"), properties=body.get("properties"))
        ]
        start = page.after[0] if page.after else 0
        shown = found[start : start + page.limit]
        more = encode([start + page.limit]) if len(found) > start + page.limit else None
        return listing([_row(contract_id, schedule) for contract_id, schedule in shown], more)


def _row(contract_id: Any, schedule: Any) -> dict[str, Any]:
    return {
        "contract_id": contract_id,
        "schedule_name": schedule.name,
        "properties": dict(schedule.properties),
        "segments": [present_segment(part) for part in schedule.segments],
    }
