"""`/v1/customers/…NamedSchedule`."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import IdField
from core.api.named_schedules import RetrieveInput, SegmentOutput, UpdateInput, change, present_segments
from core.api.output import list_of
from core.api.views import ApiView, data
from core.clock import now
from core.named_schedules import schedules_of
from customers import selectors, services


class CustomerRetrieveInput(RetrieveInput):
    """Which schedule of which customer."""

    customer_id = IdField()


class CustomerUpdateInput(UpdateInput):
    """A value of a customer's schedule."""

    customer_id = IdField()


class GetNamedSchedule(ApiView):
    """Reading."""

    resource, access = "customers", "read"

    @extend_schema(request=CustomerRetrieveInput, responses=list_of(SegmentOutput))
    def post(self, request: Request) -> Response:
        """Read a named schedule of a customer; it is empty until something was set."""
        body = self.read_body(request, CustomerRetrieveInput)
        customer = selectors.get_customer(customer_id=body["customer_id"], field="customer_id")
        rows = customer.named_schedule_entries.filter(name=body["schedule_name"])
        return data(present_segments(schedules_of(rows, covering=body.get("covering_date"))))


class UpdateNamedSchedule(ApiView):
    """Writing."""

    resource = "customers"

    @extend_schema(request=CustomerUpdateInput, responses=None)
    def post(self, request: Request) -> Response:
        """Set the value of a customer's named schedule from an instant on."""
        body = self.read_body(request, CustomerUpdateInput)
        services.update_named_schedule(customer_id=body["customer_id"], now=now(), **change(body))
        return Response(None)
