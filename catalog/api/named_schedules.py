"""`/v1/contract-pricing/rate-cards/…NamedSchedule`."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, services
from core.api.fields import IdField
from core.api.named_schedules import RetrieveInput, SegmentOutput, UpdateInput, change, present_segments
from core.api.output import list_of
from core.api.views import ApiView, data
from core.clock import now
from core.named_schedules import schedules_of


class CardRetrieveInput(RetrieveInput):
    """Which schedule of which card."""

    rate_card_id = IdField()


class CardUpdateInput(UpdateInput):
    """A value of a card's schedule."""

    rate_card_id = IdField()


class GetNamedSchedule(ApiView):
    """Reading."""

    resource, access = "catalog", "read"

    @extend_schema(request=CardRetrieveInput, responses=list_of(SegmentOutput))
    def post(self, request: Request) -> Response:
        """Read a named schedule of a rate card; it is empty until something was set."""
        body = self.read_body(request, CardRetrieveInput)
        card = selectors.get_rate_card(rate_card_id=body["rate_card_id"], field="rate_card_id")
        rows = card.named_schedule_entries.filter(name=body["schedule_name"])
        return data(present_segments(schedules_of(rows, covering=body.get("covering_date"))))


class UpdateNamedSchedule(ApiView):
    """Writing."""

    resource = "catalog"

    @extend_schema(request=CardUpdateInput, responses=None)
    def post(self, request: Request) -> Response:
        """Set the value of a rate card's named schedule from an instant on."""
        body = self.read_body(request, CardUpdateInput)
        services.update_named_schedule(rate_card_id=body["rate_card_id"], now=now(), **change(body))
        return Response(None)
