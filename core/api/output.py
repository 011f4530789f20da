"""How answers are written down: once, as an `Output`, for the wire and for /openapi.json alike."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_field, inline_serializer
from rest_framework import serializers

from core.api.naming import prefix_of

PAGING = [
    OpenApiParameter("limit", int, description="Rows a page, 1 to 100; more means 100."),
    OpenApiParameter("next_page", str, description="The cursor that the page before gave."),
]


class Output(serializers.Serializer):
    """Base of answers. Reads attributes of models, dataclasses or keys of dicts; a key that is missing is left out."""

    @classmethod
    def of(cls, value: Any) -> dict[str, Any]:
        """One object as plain data, decimals and datetimes untouched."""
        return dict(cls().to_representation(value))

    @classmethod
    def of_each(cls, values: Iterable[Any]) -> list[dict[str, Any]]:
        """Many objects as plain data."""
        output = cls()
        return [dict(output.to_representation(value)) for value in values]


class IdOutput(Output):
    """Only the id of what was written."""

    id = serializers.UUIDField()


@cache
def envelope(output: type[Output]) -> Any:
    """The schema of `{"data": …}`."""
    return inline_serializer(f"{_name(output)}Answer", {"data": output()})


@cache
def list_of(output: type[Output]) -> Any:
    """The schema of `{"data": […]}` without pages."""
    return inline_serializer(f"{_name(output)}List", {"data": output(many=True)})


@cache
def page_of(output: type[Output], cursor: str = "next_page") -> Any:
    """The schema of `{"data": […], "next_page": …}`, or whatever the cursor is called."""
    following = serializers.CharField(allow_null=True)
    return inline_serializer(f"{_name(output)}Page", {"data": output(many=True), cursor: following})


@extend_schema_field({"type": "array", "items": {"type": "object"}, "maxItems": 0})
class NoneYetField(serializers.Field):
    """A list that Metronome's clients expect, of what this version does not have: always empty."""

    def get_attribute(self, instance: Any) -> list[Any]:
        return []

    def to_representation(self, value: Any) -> Any:
        return value


def _name(output: type[Output]) -> str:
    return prefix_of(output.__module__) + output.__name__.removesuffix("Output")
