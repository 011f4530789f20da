"""`/v1/events/search`: what became of an event."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Input, InstantField, TextField
from core.api.output import FilledField, Output
from core.api.views import ApiView
from usage import selectors

MAX_IDS = 1000


class SearchInput(Input):
    """Which events to look up."""

    transactionIds = serializers.ListField(child=TextField(maximum=128), max_length=MAX_IDS)  # noqa: N815 - as on the wire


class MatchedCustomerOutput(Output):
    """The customer that the event belongs to at present."""

    id = serializers.UUIDField(source="pk")
    name = serializers.CharField()


class MatchedMetricOutput(Output):
    """A metric whose filters the event passes."""

    id = serializers.UUIDField(source="pk")
    name = serializers.CharField()
    aggregation_type = serializers.CharField()
    aggregation_key = FilledField(help_text="Not of COUNT.")
    event_type_filter = serializers.DictField(required=False)
    property_filters = serializers.ListField(child=serializers.DictField())
    group_keys = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    custom_fields = serializers.DictField(child=serializers.CharField())


class EventOutput(Output):
    """An event as it was sent, and what it matches. `is_duplicate`: its id came again with other content."""

    id = serializers.CharField(source="event.arrival")
    transaction_id = serializers.CharField(source="event.transaction_id")
    customer_id = serializers.CharField(source="event.customer_ref")
    event_type = serializers.CharField(source="event.event_type")
    timestamp = InstantField(source="event.timestamp")
    properties = serializers.SerializerMethodField()
    processed_at = InstantField(source="event.received_at")
    is_duplicate = serializers.BooleanField(source="came_again")
    matched_customer = MatchedCustomerOutput(source="customer", required=False)
    matched_billable_metrics = MatchedMetricOutput(source="metrics", many=True)

    def get_properties(self, match: selectors.EventMatch) -> dict[str, Any]:
        """Exactly as sent."""
        return dict(match.event.properties)


class SearchView(ApiView):
    """Events by transaction id."""

    resource = "usage"
    access = "read"

    @extend_schema(request=SearchInput, responses=EventOutput(many=True))
    def post(self, request: Request) -> Response:
        """Look up events by transaction id: a bare array in order of arrival, without the ids that are unknown."""
        body = self.read_body(request, SearchInput)
        return Response(EventOutput.of_each(selectors.match_events(transaction_ids=body["transactionIds"])))
