"""`/v1/customFields`: keys of custom fields, and their values on records."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import custom_fields
from core.api.fields import CustomFieldsField, FlagField, IdField, Input, TextField
from core.api.output import Output, page_of
from core.api.paging import Style, page_request, paginate
from core.api.views import ApiView, listing
from core.clock import now

EMPTY = {200: None}
NEXT_PAGE = OpenApiParameter("next_page", str, description="The cursor that the page before gave.")


class EntityField(TextField):
    """A kind of record, as Metronome names it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maximum=30, help_text=f"One of {', '.join(sorted(custom_fields.entities()))}.", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in custom_fields.entities():
            known = ", ".join(sorted(custom_fields.entities()))
            raise serializers.ValidationError(f"must be one of {known}")
        return name


class AddKeyInput(Input):
    """A key that records of a kind may have."""

    entity = EntityField()
    key = TextField(maximum=100)
    enforce_uniqueness = FlagField(help_text="Whether no two records may have the same value of it.")


class RemoveKeyInput(Input):
    """Which key goes, with all its values."""

    entity = EntityField()
    key = TextField(maximum=100)


class ListKeysInput(Input):
    """Of which kinds; of all unless said."""

    entities = serializers.ListField(child=EntityField(), required=False, allow_null=True, max_length=100)


class SetValuesInput(Input):
    """What a record gets; what is not named stays."""

    entity = EntityField()
    entity_id = IdField()
    custom_fields = CustomFieldsField()


class DeleteValuesInput(Input):
    """What a record loses."""

    entity = EntityField()
    entity_id = IdField()
    keys = serializers.ListField(child=TextField(maximum=100), max_length=100)


class KeyOutput(Output):
    """A key."""

    entity = serializers.CharField()
    key = serializers.CharField()
    enforce_uniqueness = serializers.BooleanField()


class AddKey(ApiView):
    """POST /v1/customFields/addKey"""

    resource = "custom_fields"

    @extend_schema(request=AddKeyInput, responses=EMPTY, tags=["Custom fields"])
    def post(self, request: Request) -> Response:
        """Add a key. With `enforce_uniqueness`, values that stand twice already refuse it (409)."""
        custom_fields.add_key(**self.read_body(request, AddKeyInput), now=now())
        return Response(None)


class RemoveKey(ApiView):
    """POST /v1/customFields/removeKey"""

    resource = "custom_fields"

    @extend_schema(request=RemoveKeyInput, responses=EMPTY, tags=["Custom fields"])
    def post(self, request: Request) -> Response:
        """Remove a key, and its values from all records."""
        custom_fields.remove_key(**self.read_body(request, RemoveKeyInput), now=now())
        return Response(None)


class ListKeys(ApiView):
    """POST /v1/customFields/listKeys"""

    resource, access = "custom_fields", "read"

    @extend_schema(request=ListKeysInput, parameters=[NEXT_PAGE], responses=page_of(KeyOutput), tags=["Custom fields"])
    def post(self, request: Request) -> Response:
        """List keys, by kind and name."""
        asked = self.read_body(request, ListKeysInput).get("entities") or ()
        page = page_request(request, Style.Q_NOLIMIT)
        rows, next_page = paginate(custom_fields.list_keys(entities_=asked), page, order=("entity", "key", "id"))
        return listing(KeyOutput.of_each(rows), next_page)


class SetValues(ApiView):
    """POST /v1/customFields/setValues"""

    resource = "custom_fields"

    @extend_schema(request=SetValuesInput, responses=EMPTY, tags=["Custom fields"])
    def post(self, request: Request) -> Response:
        """Give a record values of known keys; 409 where another has one that must be unique."""
        body = self.read_body(request, SetValuesInput)
        custom_fields.set_values(
            entity=body["entity"], entity_id=body["entity_id"], values=body["custom_fields"], now=now()
        )
        return Response(None)


class DeleteValues(ApiView):
    """POST /v1/customFields/deleteValues"""

    resource = "custom_fields"

    @extend_schema(request=DeleteValuesInput, responses=EMPTY, tags=["Custom fields"])
    def post(self, request: Request) -> Response:
        """Take values from a record; what it does not have is no fault."""
        custom_fields.delete_values(**self.read_body(request, DeleteValuesInput), now=now())
        return Response(None)
