"""`/v1/credit-types…`: pricing units."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, services
from catalog.api.units import CreditTypeOutput
from core.api.fields import IdField, Input, TextField
from core.api.output import PAGING, IdOutput, envelope, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now


class CreateInput(Input):
    """A new custom pricing unit."""

    name = TextField(maximum=100)


class UnitInput(Input):
    """Which unit."""

    id = IdField()


class PricingUnitOutput(CreditTypeOutput):
    """A pricing unit in the list."""

    is_currency = serializers.BooleanField()


class ListCreditTypes(ApiView):
    """Pricing units."""

    resource = "catalog"

    @extend_schema(parameters=PAGING, responses=page_of(PricingUnitOutput))
    def get(self, request: Request) -> Response:
        """List the pricing units by name."""
        found = selectors.list_credit_types()
        rows, next_page = paginate(found, page_request(request), order=("name", "id"))
        return listing(PricingUnitOutput.of_each(rows), next_page)


class CreateCreditType(ApiView):
    """Creating."""

    resource = "catalog"

    @extend_schema(request=CreateInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Create a custom pricing unit; its name appears on invoices."""
        body = self.read_body(request, CreateInput)
        return data(IdOutput.of(services.create_credit_type(name=body["name"], now=now())))


class ArchiveCreditType(ApiView):
    """Archiving."""

    resource = "catalog"

    @extend_schema(request=UnitInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Archive a custom pricing unit; cards that convert it go on."""
        body = self.read_body(request, UnitInput)
        return data(IdOutput.of(services.archive_credit_type(credit_type_id=body["id"], now=now())))
