"""`/v1/contract-pricing/products…`."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, services
from catalog.models import Product, ProductVersion
from core.api.fields import (
    CustomFieldsField,
    ExactField,
    FlagField,
    IdField,
    Input,
    InstantField,
    TextField,
    WholeField,
    WordField,
)
from core.api.output import PAGING, IdOutput, Output, envelope, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from engine.conversion import ConversionOperation, RoundingMethod
from engine.money import plain
from engine.terms import CompositeScope

PRO_SERVICE = Product.Type.PRO_SERVICE


class UniqueTextsField(serializers.ListField):
    """A list of texts, each once."""

    def __init__(self, *, longest: int, most: int, **kwargs: Any) -> None:
        super().__init__(child=TextField(maximum=longest), max_length=most, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        """Refuses repetitions."""
        found: list[str] = super().to_internal_value(data)
        if len(set(found)) != len(found):
            raise serializers.ValidationError("an entry stands twice")
        return found


class ConversionInput(Input):
    """From the metric's unit to the unit that is priced."""

    conversion_factor = ExactField(above=0)
    operation = WordField(ConversionOperation)
    name = TextField(required=False)


class RoundingInput(Input):
    """How the converted quantity is rounded."""

    rounding_method = WordField(RoundingMethod)
    decimal_places = WholeField(minimum=-20, maximum=20)


class FieldsInput(Input):
    """What a product's creation and its updates have in common."""

    billable_metric_id = IdField(required=False)
    pricing_group_key = UniqueTextsField(longest=200, most=10, required=False)
    presentation_group_key = UniqueTextsField(longest=200, most=10, required=False)
    quantity_conversion = ConversionInput(required=False, allow_null=True)
    quantity_rounding = RoundingInput(required=False, allow_null=True)
    tags = UniqueTextsField(longest=200, most=100, required=False)
    composite_product_ids = serializers.ListField(child=IdField(), max_length=500, required=False)
    composite_tags = UniqueTextsField(longest=200, most=100, required=False)
    composite_scope = WordField(CompositeScope, required=False)
    exclude_free_usage = FlagField(required=False)
    include_composite_spend = FlagField(required=False)
    is_refundable = FlagField(required=False)
    netsuite_internal_item_id = TextField(required=False)
    netsuite_overage_item_id = TextField(required=False)


class CreateInput(FieldsInput):
    """Body of a new product."""

    name = TextField(maximum=200)
    type = WordField((*Product.Type.values, "PROFESSIONAL_SERVICE"))
    custom_fields = CustomFieldsField(required=False)


class UpdateInput(FieldsInput):
    """What changes, and from when on."""

    product_id = IdField()
    starting_at = InstantField(hour=True)
    name = TextField(maximum=200, required=False)


class RetrieveInput(Input):
    """Which product."""

    id = IdField()


class ListInput(Input):
    """Which products."""

    archive_filter = WordField(("ARCHIVED", "NOT_ARCHIVED", "ALL"), required=False)


class ArchiveInput(Input):
    """Which product to archive."""

    product_id = IdField()


class ConversionOutput(Output):
    """From the metric's unit to the unit that is priced."""

    conversion_factor = serializers.SerializerMethodField()
    operation = serializers.CharField()
    name = serializers.CharField(required=False)

    def get_conversion_factor(self, stored: dict[str, Any]) -> Decimal:
        """The exact factor, a JSON number."""
        return Decimal(stored["conversion_factor"])


class RoundingOutput(Output):
    """How the converted quantity is rounded."""

    rounding_method = serializers.CharField()
    decimal_places = serializers.IntegerField()


class UpdateOutput(Output):
    """What one update changed; fields it did not change are left out."""

    created_at = InstantField()
    created_by = serializers.CharField()
    starting_at = InstantField(required=False)
    name = serializers.CharField(required=False)
    billable_metric_id = serializers.CharField(required=False)
    pricing_group_key = serializers.ListField(child=serializers.CharField(), required=False)
    presentation_group_key = serializers.ListField(child=serializers.CharField(), required=False)
    quantity_conversion = ConversionOutput(required=False, allow_null=True)
    quantity_rounding = RoundingOutput(required=False, allow_null=True)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    composite_product_ids = serializers.ListField(child=serializers.CharField(), required=False)
    composite_tags = serializers.ListField(child=serializers.CharField(), required=False)
    composite_scope = serializers.CharField(required=False)
    exclude_free_usage = serializers.BooleanField(required=False)
    include_composite_spend = serializers.BooleanField(required=False)
    is_refundable = serializers.BooleanField(required=False)
    netsuite_internal_item_id = serializers.CharField(required=False)
    netsuite_overage_item_id = serializers.CharField(required=False)


class StateOutput(UpdateOutput):
    """A whole state of a product; fields that do not apply are left out."""

    name = serializers.CharField()


class ProductOutput(Output):
    """A product: as it began, as it is now, and what changed on the way or is scheduled to."""

    id = serializers.UUIDField()
    type = serializers.CharField()
    initial = StateOutput()
    current = StateOutput()
    updates = UpdateOutput(many=True)
    archived_at = InstantField(allow_null=True)
    custom_fields = CustomFieldsField()


def present(product: Product, at: datetime) -> dict[str, Any]:
    """A product as the wire has it, its current state being that at `at`."""
    versions = list(product.versions.all())
    row = {
        "id": product.pk,
        "type": product.type,
        "initial": _state(product, versions[0]),
        "current": _state(product, selectors.state_at(versions, at)),
        "updates": [_written(version) | version.changed for version in versions[1:]],
        "archived_at": product.archived_at,
        "custom_fields": product.custom_fields,
    }
    return ProductOutput.of(row)


def _state(product: Product, version: ProductVersion) -> dict[str, Any]:
    hidden = () if product.type == Product.Type.USAGE else services.USAGE_ONLY
    if product.type != Product.Type.COMPOSITE:
        hidden = (*hidden, *services.COMPOSITE_ONLY)
    values = {name: getattr(version, name) for name in services.COLUMNS if name not in hidden}
    return _written(version) | {name: value for name, value in values.items() if value not in (None, "")}


def _written(version: ProductVersion) -> dict[str, Any]:
    return {"created_at": version.created_at, "created_by": version.created_by, "starting_at": version.starting_at}


def columns_of(body: dict[str, Any]) -> dict[str, Any]:
    """The columns that a body sets, as the service stores them: JSON, with ids and factors as text."""
    fields = {name: body[name] for name in services.COLUMNS if name in body}
    if "billable_metric_id" in fields:
        fields["billable_metric_id"] = str(fields["billable_metric_id"])
    if "composite_product_ids" in fields:
        fields["composite_product_ids"] = list(dict.fromkeys(str(entry) for entry in fields["composite_product_ids"]))
    if conversion := fields.get("quantity_conversion"):
        factor = plain(conversion["conversion_factor"])
        fields["quantity_conversion"] = {**conversion, "conversion_factor": factor}
    return fields


class CreateProduct(ApiView):
    """Creating."""

    resource = "catalog"

    @extend_schema(request=CreateInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Create a product; its type is fixed."""
        body = self.read_body(request, CreateInput)
        product = services.create_product(
            product_type=PRO_SERVICE if body["type"] == "PROFESSIONAL_SERVICE" else body["type"],
            fields=columns_of(body),
            custom_fields=body.get("custom_fields"),
            now=now(),
        )
        return data(IdOutput.of(product))


class RetrieveProduct(ApiView):
    """One product."""

    resource = "catalog"
    access = "read"

    @extend_schema(request=RetrieveInput, responses=envelope(ProductOutput))
    def post(self, request: Request) -> Response:
        """Read a product, archived or not."""
        body = self.read_body(request, RetrieveInput)
        return data(present(selectors.get_product(product_id=body["id"], field="id"), now()))


class ListProducts(ApiView):
    """Listing."""

    resource = "catalog"
    access = "read"

    @extend_schema(parameters=PAGING, request=ListInput, responses=page_of(ProductOutput))
    def post(self, request: Request) -> Response:
        """List products, newest first."""
        body = self.read_body(request, ListInput)
        found = selectors.list_products(archive_filter=body.get("archive_filter", "NOT_ARCHIVED"))
        rows, next_page = paginate(found, page_request(request))
        at = now()
        return listing([present(product, at) for product in rows], next_page)


class UpdateProduct(ApiView):
    """Updating."""

    resource = "catalog"

    @extend_schema(request=UpdateInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Change a product from an hour on, past or future."""
        body = self.read_body(request, UpdateInput)
        product = services.update_product(
            product_id=body["product_id"], starting_at=body["starting_at"], fields=columns_of(body), now=now()
        )
        return data(IdOutput.of(product))


class ArchiveProduct(ApiView):
    """Archiving."""

    resource = "catalog"

    @extend_schema(request=ArchiveInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Archive a product; rates that exist go on."""
        body = self.read_body(request, ArchiveInput)
        return data(IdOutput.of(services.archive_product(product_id=body["product_id"], now=now())))
