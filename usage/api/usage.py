"""`/v1/usage` and `/v1/usage/groups`: aggregated usage."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import ExactField, FlagField, IdField, Input, InstantField, TextField, WordField
from core.api.output import PAGING, Output, page_of
from core.api.paging import PageRequest, Style, encode, page_request
from core.api.views import ApiView, listing
from core.clock import now
from core.errors import InvalidInput
from engine.calendar import Period
from usage import selectors
from usage.selectors import GroupBy, GroupCell

MAX_FILTER_VALUES = 200


class ValuesField(serializers.ListField):
    """Values of a group key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=TextField(maximum=10_000), max_length=MAX_FILTER_VALUES, **kwargs)


class GroupByInput(Input):
    """A simple group key and the values wanted of it; all if left out."""

    key = TextField(maximum=200)
    values = ValuesField(required=False, allow_empty=False)


class MetricInput(Input):
    """A billable metric to report."""

    id = IdField()
    group_by = GroupByInput(required=False, allow_null=True)


class UsageInput(Input):
    """Which usage to report."""

    window_size = WordField(("HOUR", "DAY", "NONE"))
    starting_on = InstantField(midnight=True)
    ending_before = InstantField(midnight=True)
    customer_ids = serializers.ListField(child=IdField(), required=False, allow_null=True, max_length=1000)
    billable_metrics = serializers.ListField(child=MetricInput(), required=False, allow_null=True, max_length=1000)


class GroupsInput(Input):
    """Which usage of one customer and metric to report, and how to group it."""

    customer_id = IdField()
    billable_metric_id = IdField()
    window_size = WordField(("HOUR", "DAY", "NONE"))
    starting_on = InstantField(midnight=True, required=False, allow_null=True)
    ending_before = InstantField(midnight=True, required=False, allow_null=True)
    current_period = FlagField(required=False, allow_null=True)
    group_by = GroupByInput(required=False, allow_null=True)
    group_key = serializers.ListField(child=TextField(maximum=200), required=False, allow_null=True, max_length=20)
    group_filters = serializers.DictField(child=ValuesField(), required=False, allow_null=True)


class UsageOutput(Output):
    """A customer's usage of a metric in a window; null where nothing was counted."""

    customer_id = serializers.UUIDField()
    billable_metric_id = serializers.UUIDField(source="metric_id")
    billable_metric_name = serializers.CharField(source="metric_name")
    start_timestamp = InstantField(source="window.start")
    end_timestamp = InstantField(source="window.end")
    value = ExactField(allow_null=True)
    groups = serializers.DictField(child=ExactField(allow_null=True), required=False)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Leaves `groups` out where no group key was asked for."""
        found = dict(super().to_representation(instance))
        if instance.groups is None:
            found.pop("groups", None)
        return found


class GroupField(serializers.DictField):
    """Value by key; what is absent from the events is left out."""

    child = serializers.CharField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def get_attribute(self, instance: GroupCell) -> dict[str, str] | None:
        return {key: value for key, value in instance.group.items() if value is not None} if instance.group else None


class GroupOutput(Output):
    """A group's usage in a window. `group_key` and `group_value`, deprecated by Metronome, are for simple keys only."""

    starting_on = InstantField(source="window.start")
    ending_before = InstantField(source="window.end")
    group_key = serializers.SerializerMethodField()
    group_value = serializers.SerializerMethodField()
    group = GroupField(help_text="Value by key; left out where nothing was grouped by.")
    value = ExactField(allow_null=True)

    def get_group_key(self, cell: GroupCell) -> str | None:
        """Null for a compound key, and without any."""
        return next(iter(cell.group)) if len(cell.group) == 1 else None

    def get_group_value(self, cell: GroupCell) -> str | None:
        """Null for an absent property too."""
        return next(iter(cell.group.values())) if len(cell.group) == 1 else None


class UsageView(ApiView):
    """Usage of many customers and metrics."""

    resource = "usage"
    access = "read"

    @extend_schema(
        request=UsageInput,
        parameters=[OpenApiParameter("next_page", str, description="The cursor that the page before gave.")],
        responses=page_of(UsageOutput),
    )
    def post(self, request: Request) -> Response:
        """Report usage by customer, metric and window: each window's own aggregate, null where nothing was counted."""
        body = self.read_body(request, UsageInput)
        asked = body.get("billable_metrics")
        metrics = None if asked is None else {metric["id"]: _group_by(metric.get("group_by")) for metric in asked}
        page = selectors.list_usage(
            windows=selectors.usage_windows(_range(body), body["window_size"]),
            customer_ids=body.get("customer_ids"),
            metrics=metrics,
            after=_pair(page_request(request, Style.Q_NOLIMIT)),
        )
        return listing(UsageOutput.of_each(page.cells), None if page.next is None else encode(page.next))


class GroupsView(ApiView):
    """Usage of one customer and metric, by group."""

    resource = "usage"
    access = "read"

    @extend_schema(request=GroupsInput, parameters=PAGING, responses=page_of(GroupOutput))
    def post(self, request: Request) -> Response:
        """Report usage by window and group, in this order. A group without usage in a window has no row there."""
        body = self.read_body(request, GroupsInput)
        page = page_request(request)
        group_key, group_filters = _grouping(body)
        cells, mark = selectors.list_usage_by_group(
            customer_id=body["customer_id"],
            metric_id=body["billable_metric_id"],
            windows=selectors.usage_windows(_period(body), body["window_size"]),
            group_key=group_key,
            group_filters=group_filters,
            limit=page.limit,
            after=_mark(page),
        )
        return listing(GroupOutput.of_each(cells), None if mark is None else encode([mark]))


def _range(body: dict[str, Any]) -> Period:
    if body["ending_before"] <= body["starting_on"]:
        raise InvalidInput("must be at least one day after starting_on", field="ending_before")
    return Period(body["starting_on"], body["ending_before"])


def _period(body: dict[str, Any]) -> Period:
    given = [name for name in ("starting_on", "ending_before") if body.get(name) is not None]
    if body.get("current_period"):
        if given:
            raise InvalidInput("cannot be given together with current_period", field=given[0])
        return selectors.current_period(customer_id=body["customer_id"], now=now())
    for name in ("starting_on", "ending_before"):
        if name not in given:
            raise InvalidInput("is required unless current_period is true", field=name)
    return _range(body)


def _group_by(value: dict[str, Any] | None) -> GroupBy | None:
    if value is None:
        return None
    return GroupBy(value["key"], tuple(dict.fromkeys(value["values"])) if "values" in value else None)


def _grouping(body: dict[str, Any]) -> tuple[Sequence[str], dict[str, Sequence[str]]]:
    """The group key and the filters, in either of the two ways of asking."""
    group_by = _group_by(body.get("group_by"))
    keys: list[str] = body.get("group_key") or []
    filters: dict[str, Sequence[str]] = body.get("group_filters") or {}
    if group_by is not None:
        if keys or filters:
            raise InvalidInput("cannot be used together with group_key or group_filters", field="group_by")
        return [group_by.key], {} if group_by.values is None else {group_by.key: group_by.values}
    if len(set(keys)) != len(keys):
        raise InvalidInput("names a key twice", field="group_key")
    if sum(len(values) for values in filters.values()) > MAX_FILTER_VALUES:
        raise InvalidInput(f"at most {MAX_FILTER_VALUES} values in all", field="group_filters")
    return keys, filters


def _pair(page: PageRequest) -> tuple[UUID, UUID] | None:
    if page.after is None:
        return None
    try:
        customer_id, metric_id = (UUID(part) for part in page.after)
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidInput("not a cursor that this list gave out", field=page.field) from error
    return customer_id, metric_id


def _mark(page: PageRequest) -> str | None:
    return None if page.after is None else str(page.after[0])
