"""`/tactus/v1/test_clocks`: outside production, customers whose time is told to go on."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Input, InstantField, TextField
from core.api.output import PAGING, Output, envelope, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from customers import test_clocks
from customers.models import TestClock


class TestClockInput(Input):
    """A new clock."""

    name = TextField(maximum=160)
    now_at = InstantField(help_text="The present of its customers, any time; it never goes back.")


class AdvanceInput(Input):
    """Where a clock is to go."""

    to = InstantField(help_text="After where it stands, at most two years ahead.")


class TestClockOutput(Output):
    """A clock; ADVANCING until it stands at `target_at`."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.SerializerMethodField()
    now_at = InstantField()
    target_at = InstantField(required=False)
    last_error = serializers.CharField(required=False)
    customer_ids = serializers.SerializerMethodField()
    created_at = InstantField()

    def get_status(self, clock: TestClock) -> str:
        """READY to be told where to go, or ADVANCING."""
        return "READY" if clock.target_at is None else "ADVANCING"

    def get_customer_ids(self, clock: TestClock) -> list[UUID]:
        """Who lives on it, oldest first."""
        return [row.pk for row in clock.customers.all()]


class TestClocksView(ApiView):
    """All of them."""

    resource, in_machine_time = "customers", True

    @extend_schema(request=TestClockInput, responses=envelope(TestClockOutput), tags=["Tactus"])
    def post(self, request: Request) -> Response:
        """Set up a test clock; customers are put on it as they are created, with `test_clock_id`."""
        body = self.read_body(request, TestClockInput)
        made = test_clocks.create_test_clock(name=body["name"], at=body["now_at"], now=now())
        return data(TestClockOutput.of(test_clocks.get_test_clock(clock_id=made.pk)))

    @extend_schema(parameters=PAGING, responses=page_of(TestClockOutput), tags=["Tactus"])
    def get(self, request: Request) -> Response:
        """List test clocks, newest first."""
        rows, next_page = paginate(test_clocks.list_test_clocks(), page_request(request))
        return listing(TestClockOutput.of_each(rows), next_page)


class TestClockView(ApiView):
    """One of them."""

    resource, in_machine_time = "customers", True

    @extend_schema(responses=envelope(TestClockOutput), tags=["Tactus"])
    def get(self, _request: Request, test_clock_id: UUID) -> Response:
        """Read a test clock."""
        return data(TestClockOutput.of(test_clocks.get_test_clock(clock_id=test_clock_id)))


class AdvanceTestClock(ApiView):
    """Telling it to go on."""

    resource, in_machine_time = "customers", True

    @extend_schema(request=AdvanceInput, responses=envelope(TestClockOutput), tags=["Tactus"])
    def post(self, request: Request, test_clock_id: UUID) -> Response:
        """Advance a test clock: all that is due for its customers on the way happens in order, as it would.

        It is on its way when this answers, and READY again when it has arrived.
        """
        body = self.read_body(request, AdvanceInput)
        test_clocks.advance_test_clock(clock_id=test_clock_id, to=body["to"], now=now())
        return data(TestClockOutput.of(test_clocks.get_test_clock(clock_id=test_clock_id)))
