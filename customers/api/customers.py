"""`/v1/customers…`."""

from functools import partial
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import (
    CustomFieldsField,
    FlagField,
    IdField,
    Input,
    InstantField,
    TextField,
    csv_of,
    parse_flag,
    parse_id,
    read_query,
)
from core.api.output import PAGING, IdOutput, Output, envelope, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from core.errors import InvalidInput
from customers import selectors, services
from customers.api.providers import (
    BillingConfigInput,
    ProviderInput,
    RevenueSystemInput,
    configuration_of_config,
    new_configuration,
)
from customers.models import Customer
from customers.providers import BILLING, MOST, REVENUE, NewProviderConfiguration

COMPONENTS = "Customers"
"""The beginning of these names in /openapi.json, wherever the code lies."""
MAX_IDS = 100


class AliasesField(serializers.ListField):
    """Ingest aliases, 1 to 128 characters each."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=TextField(maximum=128), max_length=services.MAX_ALIASES, **kwargs)


class CreateInput(Input):
    """Body of a new customer."""

    name = TextField(maximum=services.MAX_NAME, truncate=True)
    ingest_aliases = AliasesField(required=False)
    external_id = TextField(maximum=128, required=False)
    test_clock_id = IdField(
        required=False, allow_null=True, help_text="The test clock on which it lives, for life; not in production."
    )
    custom_fields = CustomFieldsField(required=False)
    customer_billing_provider_configurations = serializers.ListField(
        child=ProviderInput(), required=False, allow_null=True, max_length=MOST
    )
    customer_revenue_system_configurations = serializers.ListField(
        child=RevenueSystemInput(), required=False, allow_null=True, max_length=MOST
    )
    billing_config = BillingConfigInput(required=False, allow_null=True)


class ArchiveInput(Input):
    """Which customer to archive."""

    id = IdField()


class NameInput(Input):
    """A customer's new name."""

    name = TextField(maximum=services.MAX_NAME, truncate=True)


class AliasesInput(Input):
    """The whole new set of aliases."""

    ingest_aliases = AliasesField()


class ConfigInput(Input):
    """What else is configured for a customer; null clears."""

    salesforce_account_id = TextField(maximum=128, allow_null=True, required=False)
    leave_stripe_invoices_in_draft = FlagField(allow_null=True, required=False)


class CustomerOutput(Output):
    """A customer as creating and renaming answer."""

    id = serializers.UUIDField()
    external_id = serializers.SerializerMethodField()
    ingest_aliases = serializers.SerializerMethodField()
    name = serializers.CharField()
    custom_fields = CustomFieldsField()

    def get_ingest_aliases(self, customer: Customer) -> list[str]:
        """In the order given."""
        return [row.alias for row in customer.aliases.all()]

    def get_external_id(self, customer: Customer) -> str:
        """Deprecated by Metronome: the first alias, else the id."""
        return next((row.alias for row in customer.aliases.all()), str(customer.pk))


class ConfigOutput(Output):
    """The customer's configuration."""

    salesforce_account_id = serializers.SerializerMethodField()
    leave_stripe_invoices_in_draft = serializers.BooleanField(required=False)

    def get_salesforce_account_id(self, customer: Customer) -> str | None:
        """Null where none is set."""
        return customer.salesforce_account_id or None


class CustomerDetailOutput(CustomerOutput):
    """A customer as reading answers."""

    customer_config = ConfigOutput(source="*")
    created_at = InstantField()
    updated_at = InstantField()
    archived_at = InstantField(allow_null=True)


class CustomersView(ApiView):
    """Creating and listing."""

    resource = "customers"

    @extend_schema(request=CreateInput, responses=envelope(CustomerOutput))
    def post(self, request: Request) -> Response:
        """Create a customer."""
        body = self.read_body(request, CreateInput)
        aliases = body.get("ingest_aliases", [])
        external_id = body.get("external_id")
        if external_id is not None and external_id not in aliases:
            aliases = [external_id, *aliases]
        customer = services.create_customer(
            name=body["name"],
            ingest_aliases=aliases,
            custom_fields=body.get("custom_fields"),
            test_clock_id=body.get("test_clock_id"),
            configurations=partial(_configurations, body),
            now=now(),
        )
        return data(CustomerOutput.of(customer))

    @extend_schema(
        parameters=[
            *PAGING,
            OpenApiParameter("customer_ids", str, description="At most 100 ids, comma-joined."),
            OpenApiParameter("ingest_alias", str),
            OpenApiParameter("salesforce_account_ids", str, description="At most 100, comma-joined."),
            OpenApiParameter("only_archived", bool, description="Archived customers instead of active ones."),
        ],
        responses=page_of(CustomerDetailOutput),
    )
    def get(self, request: Request) -> Response:
        """List customers, newest first."""
        query = read_query(
            request,
            customer_ids=csv_of(parse_id),
            ingest_alias=str,
            salesforce_account_ids=csv_of(str),
            only_archived=parse_flag,
        )
        for name in ("customer_ids", "salesforce_account_ids"):
            if len(query[name] or ()) > MAX_IDS:
                raise InvalidInput(f"at most {MAX_IDS}", field=name)
        query["archived"] = bool(query.pop("only_archived"))
        rows, next_page = paginate(selectors.list_customers(**query), page_request(request))
        return listing(CustomerDetailOutput.of_each(rows), next_page)


class CustomerView(ApiView):
    """One customer."""

    resource = "customers"

    @extend_schema(responses=envelope(CustomerDetailOutput))
    def get(self, _request: Request, customer_id: UUID) -> Response:
        """Read a customer, archived or not."""
        return data(CustomerDetailOutput.of(selectors.get_customer(customer_id=customer_id)))


class ArchiveView(ApiView):
    """Archiving."""

    resource = "customers"

    def customer_of(self, request: Request) -> object:
        return request.data.get("id") if isinstance(request.data, dict) else None

    @extend_schema(request=ArchiveInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Archive a customer for good, with its contracts; its aliases stay taken."""
        body = self.read_body(request, ArchiveInput)
        return data(IdOutput.of(services.archive_customer(customer_id=body["id"], now=now())))


class NameView(ApiView):
    """Renaming."""

    resource = "customers"

    @extend_schema(request=NameInput, responses=envelope(CustomerOutput))
    def post(self, request: Request, customer_id: UUID) -> Response:
        """Rename a customer."""
        body = self.read_body(request, NameInput)
        return data(CustomerOutput.of(services.set_name(customer_id=customer_id, name=body["name"], now=now())))


class AliasesView(ApiView):
    """Ingest aliases."""

    resource = "customers"

    @extend_schema(request=AliasesInput, responses={200: None})
    def post(self, request: Request, customer_id: UUID) -> Response:
        """Replace a customer's ingest aliases."""
        body = self.read_body(request, AliasesInput)
        services.set_ingest_aliases(customer_id=customer_id, ingest_aliases=body["ingest_aliases"], now=now())
        return Response(None)


class ConfigView(ApiView):
    """Configuration."""

    resource = "customers"

    @extend_schema(request=ConfigInput, responses={200: None})
    def post(self, request: Request, customer_id: UUID) -> Response:
        """Set what is given; a field left out stays as it is."""
        body = self.read_body(request, ConfigInput)
        if body:
            services.update_config(customer_id=customer_id, **body, given=tuple(body), now=now())
        else:
            selectors.get_active_customer(customer_id=customer_id)
        return Response(None)


def _configurations(body: dict[str, Any], customer_id: UUID) -> list[NewProviderConfiguration]:
    """What a new customer's body says of billing providers."""
    billing = body.get("customer_billing_provider_configurations") or ()
    revenue = body.get("customer_revenue_system_configurations") or ()
    new = [new_configuration(one, customer_id, BILLING) for one in billing]
    new += [new_configuration(one, customer_id, REVENUE) for one in revenue]
    if (config := body.get("billing_config")) is not None:
        new.append(configuration_of_config(config, customer_id))
    return new
