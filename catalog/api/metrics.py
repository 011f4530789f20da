"""`/v1/billable-metrics…`."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, services
from core.api.fields import (
    CustomFieldsField,
    FlagField,
    IdField,
    Input,
    InstantField,
    TextField,
    WordField,
    parse_flag,
    read_query,
)
from core.api.output import PAGING, FilledField, IdOutput, Output, envelope, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from engine.usage import Aggregation

MAX_VALUES = 1000
MAX_FILTERS = 100
MAX_GROUP_KEYS = 50
MAX_KEYS_IN_GROUP = 10


def _values(**kwargs: Any) -> serializers.ListField:
    return serializers.ListField(child=TextField(maximum=500), min_length=1, max_length=MAX_VALUES, **kwargs)


def _group_keys(**kwargs: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ListField(child=TextField(maximum=200), min_length=1, max_length=MAX_KEYS_IN_GROUP),
        max_length=MAX_GROUP_KEYS,
        **kwargs,
    )


class EventTypeFilterInput(Input):
    """Which event types count."""

    in_values = _values(required=False)
    not_in_values = _values(required=False)


class PropertyFilterInput(Input):
    """A rule on one property; all of its parts must hold."""

    name = TextField(maximum=200)
    exists = FlagField(required=False, allow_null=True)
    in_values = _values(required=False)
    not_in_values = _values(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuses a rule that no event could pass."""
        if attrs.get("exists") is False and attrs.get("in_values"):
            raise serializers.ValidationError({"in_values": ["contradicts exists: false"]})
        return attrs


class CreateInput(Input):
    """Body of a new metric."""

    name = TextField(maximum=200)
    aggregation_type = WordField(Aggregation)
    aggregation_key = TextField(maximum=200, required=False)
    event_type_filter = EventTypeFilterInput(required=False)
    property_filters = serializers.ListField(child=PropertyFilterInput(), max_length=MAX_FILTERS, required=False)
    group_keys = _group_keys(required=False)
    custom_fields = CustomFieldsField(required=False)


class UpdateInput(Input):
    """A metric's new name; `add_group_keys` (Tactus's own): keys that tell its usage apart too, past usage as well."""

    name = TextField(maximum=200, required=False)
    add_group_keys = _group_keys(required=False, min_length=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuses a change of nothing."""
        if not attrs:
            raise serializers.ValidationError({"name": ["is needed"]})
        return attrs


class ArchiveInput(Input):
    """Which metric to archive."""

    id = IdField()


class EventTypeFilterOutput(Output):
    """Which event types count."""

    in_values = serializers.ListField(child=serializers.CharField(), required=False)
    not_in_values = serializers.ListField(child=serializers.CharField(), required=False)


class PropertyFilterOutput(EventTypeFilterOutput):
    """A rule on one property."""

    name = serializers.CharField()
    exists = serializers.BooleanField(required=False)


class MetricOutput(Output):
    """A billable metric."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    aggregation_type = serializers.CharField()
    aggregation_key = FilledField(help_text="Not of COUNT.")
    event_type_filter = EventTypeFilterOutput()
    property_filters = PropertyFilterOutput(many=True)
    group_keys = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    custom_fields = CustomFieldsField()
    archived_at = InstantField(required=False)


class MetricsView(ApiView):
    """Listing."""

    resource = "catalog"

    @extend_schema(parameters=[*PAGING, OpenApiParameter("include_archived", bool)], responses=page_of(MetricOutput))
    def get(self, request: Request) -> Response:
        """List billable metrics, newest first."""
        query = read_query(request, include_archived=parse_flag)
        found = selectors.list_metrics(include_archived=bool(query["include_archived"]))
        rows, next_page = paginate(found, page_request(request))
        return listing(MetricOutput.of_each(rows), next_page)


class CreateMetric(ApiView):
    """Creating."""

    resource = "catalog"

    @extend_schema(request=CreateInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Create a billable metric; what it counts is fixed."""
        body = self.read_body(request, CreateInput)
        for rule in body.get("property_filters", []):
            if rule.get("exists", True) is None:
                del rule["exists"]
        return data(IdOutput.of(services.create_metric(**body, now=now())))


class MetricView(ApiView):
    """One metric."""

    resource = "catalog"

    @extend_schema(responses=envelope(MetricOutput))
    def get(self, _request: Request, metric_id: UUID) -> Response:
        """Read a billable metric, archived or not."""
        return data(MetricOutput.of(selectors.get_metric(metric_id=metric_id)))

    @extend_schema(request=UpdateInput, responses=envelope(IdOutput))
    def put(self, request: Request, metric_id: UUID) -> Response:
        """Rename a billable metric, or add group keys to it."""
        body = self.read_body(request, UpdateInput)
        return data(IdOutput.of(services.update_metric(metric_id=metric_id, **body, now=now())))


class ArchiveMetric(ApiView):
    """Archiving."""

    resource = "catalog"

    @extend_schema(request=ArchiveInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Archive a billable metric; products that have it go on."""
        body = self.read_body(request, ArchiveInput)
        return data(IdOutput.of(services.archive_metric(metric_id=body["id"], now=now())))
