"""How answers are written down: once, as an `Output`, for the wire and for /openapi.json alike."""

from collections.abc import Iterable, Mapping
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
    """Base of answers. Reads attributes of models, dataclasses or keys of dicts.

    What has no value is left out: a key that is missing, or None, of a field that is `required=False`. None is written
    as null by fields that `allow_null`, and by those alone.
    """

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Plain data, decimals and datetimes untouched."""
        found: dict[str, Any] = super().to_representation(instance)
        if None in found.values():
            given = instance if isinstance(instance, Mapping) else None
            return {
                name: value
                for name, value in found.items()
                if value is not None or not _is_left_out(self.fields[name], given)
            }
        return found

    @classmethod
    def of(cls, value: Any) -> dict[str, Any]:
        """One object as plain data, decimals and datetimes untouched."""
        return cls().to_representation(value)

    @classmethod
    def of_each(cls, values: Iterable[Any]) -> list[dict[str, Any]]:
        """Many objects as plain data."""
        output = cls()
        return [output.to_representation(value) for value in values]


def _is_left_out(field: serializers.Field, given: Mapping[str, Any] | None) -> bool:
    """Whether None in this field means that there is nothing to say; `given`: the keys, where these decide.

    Methods are always there (`read_only`): what they return says whether it can be null.
    """
    if field.required or field.read_only:
        return False
    return not field.allow_null or (given is not None and field.source not in given)


class IdOutput(Output):
    """Only the id of what was written."""

    id = serializers.UUIDField()


def told(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for, as answers tell it: no null; `cleared` names what a null has emptied."""
    shown = {name: value for name, value in asked.items() if value is not None}
    cleared = [name for name, value in asked.items() if value is None]
    return shown | {"cleared": cleared} if cleared else shown


class ToldOutput(Output):
    """Base of what an edit tells; what it did not touch is left out."""

    cleared = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Tactus's own: fields that were emptied by null."
    )


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


class FilledField(serializers.CharField):
    """A text that is left out where it is empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def get_attribute(self, instance: Any) -> str | None:
        return super().get_attribute(instance) or None


@extend_schema_field({"type": "array", "items": {"type": "object"}, "maxItems": 0})
class NoneYetField(serializers.Field):
    """A list that Metronome's clients expect, of what this version does not have: always empty."""

    def get_attribute(self, instance: Any) -> list[Any]:
        return []

    def to_representation(self, value: Any) -> Any:
        return value


def _name(output: type[Output]) -> str:
    return prefix_of(output.__module__) + output.__name__.removesuffix("Output")
