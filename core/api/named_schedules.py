"""Named schedules on the wire, alike for all owners."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import Input, InstantField, PlainField, TextField
from core.api.output import Output
from core.exact_json import dumps
from core.named_schedules import NamedSchedule, Segment

MAX_BYTES = 20_000


@extend_schema_field(OpenApiTypes.ANY)
class JsonField(PlainField):
    """Any JSON value that is not too large."""

    def to_internal_value(self, data: Any) -> Any:
        if len(dumps(data)) > MAX_BYTES:
            raise serializers.ValidationError(f"must be at most {MAX_BYTES} bytes of JSON")
        return data


class RetrieveInput(Input):
    """Which schedule."""

    schedule_name = TextField(maximum=200)
    covering_date = InstantField(required=False)


class UpdateInput(Input):
    """The value from an instant on."""

    schedule_name = TextField(maximum=200)
    starting_at = InstantField()
    ending_before = InstantField(required=False)
    value = JsonField(allow_null=True)


class SegmentOutput(Output):
    """A value while it counts."""

    starting_at = InstantField()
    ending_before = InstantField(required=False)
    value = JsonField(allow_null=True)


def present_segments(schedules: list[NamedSchedule]) -> list[dict[str, Any]]:
    """The segments of one schedule, or none."""
    return [present_segment(part) for schedule in schedules[:1] for part in schedule.segments]


def present_segment(part: Segment) -> dict[str, Any]:
    """A segment as the wire has it."""
    shown: dict[str, Any] = {"starting_at": part.starting_at, "value": part.value}
    return shown if part.ending_before is None else shown | {"ending_before": part.ending_before}


def change(body: dict[str, Any]) -> dict[str, Any]:
    """A read update as `set_value` takes it."""
    return {
        "name": body["schedule_name"],
        "starting_at": body["starting_at"],
        "ending_before": body.get("ending_before"),
        "value": body["value"],
    }
