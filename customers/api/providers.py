"""Billing provider configurations on the wire."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import FlagField, IdField, Input, InstantField, PlainField, TextField
from core.api.output import Output, envelope, list_of, page_of
from core.api.paging import Style, page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from customers import providers
from customers.models import DeliveryMethod, ProviderConfiguration
from customers.providers import BILLING, MOST, NOT_DELIVERED, REVENUE, NewProviderConfiguration
from customers.selectors import require_customer

PROVIDERS = DeliveryMethod.Provider.values
METHODS = DeliveryMethod.Method.values
TAXES = ("anrok", "avalara", "stripe")
LONGEST = 10_000


@extend_schema_field({"type": "object", "additionalProperties": True})
class ConfigurationField(PlainField):
    """What a provider wants to know: a JSON object, kept as it is given."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("must be a JSON object")
        if len(json.dumps(data, default=str)) > LONGEST:
            raise serializers.ValidationError(f"must be at most {LONGEST} characters of JSON")
        if "\\u0000" in json.dumps(data, default=str):
            raise serializers.ValidationError("must not hold a NUL")
        kept: dict[str, Any] = json.loads(json.dumps(data, default=str))
        return kept


class ChoiceField(serializers.ChoiceField):
    """One of `words`, as Metronome spells them."""

    def __init__(self, words: Iterable[str], **kwargs: Any) -> None:
        super().__init__(choices=list(words), **kwargs)


class ProviderInput(Input):
    """A customer at a provider."""

    billing_provider = ChoiceField(PROVIDERS)
    configuration = ConfigurationField(required=False)
    delivery_method = ChoiceField(METHODS, required=False, allow_null=True)
    delivery_method_id = IdField(required=False, allow_null=True)
    tax_provider = ChoiceField(TAXES, required=False, allow_null=True)


class RevenueSystemInput(Input):
    """A customer at a system for revenue recognition."""

    provider = ChoiceField(["netsuite"])
    configuration = ConfigurationField(required=False)
    delivery_method = ChoiceField([DeliveryMethod.Method.DIRECT.value], required=False, allow_null=True)
    delivery_method_id = IdField(required=False, allow_null=True)


class BillingConfigInput(Input):
    """The older way to say the same; it becomes a configuration of its provider."""

    billing_provider_type = ChoiceField(PROVIDERS)
    billing_provider_customer_id = TextField()
    stripe_collection_method = ChoiceField(providers.COLLECTION_METHODS, required=False, allow_null=True)
    aws_customer_account_id = TextField(required=False, allow_null=True)
    aws_customer_id = TextField(required=False, allow_null=True)
    aws_is_subscription_product = FlagField(required=False, allow_null=True)
    aws_product_code = TextField(required=False, allow_null=True)
    aws_region = TextField(required=False, allow_null=True)


class OfCustomerInput(ProviderInput):
    """One of several, of any customers."""

    customer_id = IdField()


class RevenueOfCustomerInput(RevenueSystemInput):
    """One of several, of any customers."""

    customer_id = IdField()


class SetInput(Input):
    """Configurations to add; one that cannot be refuses all."""

    data = serializers.ListField(child=OfCustomerInput(), min_length=1, max_length=MOST)  # type: ignore[assignment]


class SetRevenueInput(Input):
    """Configurations to add; one that cannot be refuses all."""

    data = serializers.ListField(child=RevenueOfCustomerInput(), min_length=1, max_length=MOST)  # type: ignore[assignment]


class GetInput(Input):
    """Whose configurations."""

    customer_id = IdField()
    include_archived = FlagField(required=False)


class ArchiveInput(Input):
    """Which configurations end at once."""

    customer_id = IdField()
    customer_billing_provider_configuration_ids = serializers.ListField(child=IdField(), min_length=1, max_length=MOST)


class ArchiveRevenueInput(Input):
    """Which configurations end at once."""

    customer_id = IdField()
    customer_revenue_system_configuration_ids = serializers.ListField(child=IdField(), min_length=1, max_length=MOST)


class SetUpInput(Input):
    """A way to a provider for the whole account."""

    billing_provider = ChoiceField(["aws_marketplace", "azure_marketplace", "gcp_marketplace"])
    configuration = ConfigurationField()
    delivery_method = ChoiceField(["direct_to_billing_provider", "aws_sqs", "aws_sns"])


class ListInput(Input):
    """Which page."""

    next_page = TextField(maximum=2000, minimum=0, required=False, allow_null=True)


class WarningOutput(Output):
    """What is kept and shown, and does not act yet. Tactus's own."""

    field = serializers.CharField()
    message = serializers.CharField()


class ProviderOutput(Output):
    """A customer at a billing provider."""

    id = serializers.UUIDField()
    customer_id = serializers.UUIDField()
    billing_provider = serializers.CharField()
    configuration = serializers.DictField()
    delivery_method = serializers.CharField()
    delivery_method_id = serializers.UUIDField()
    delivery_method_configuration = serializers.DictField()
    tax_provider = serializers.CharField(required=False)
    archived_at = InstantField(allow_null=True)
    warnings = WarningOutput(many=True, required=False)


class RevenueSystemOutput(Output):
    """A customer at a system for revenue recognition."""

    id = serializers.UUIDField()
    customer_id = serializers.UUIDField()
    provider = serializers.CharField()
    configuration = serializers.DictField()
    delivery_method = serializers.CharField()
    delivery_method_id = serializers.UUIDField()
    delivery_method_configuration = serializers.DictField()
    archived_at = InstantField(allow_null=True)
    warnings = WarningOutput(many=True, required=False)


class ArchivedOutput(Output):
    """What ended."""

    customer_id = serializers.UUIDField()
    customer_billing_provider_configuration_ids = serializers.ListField(child=serializers.UUIDField())


class ArchivedRevenueOutput(Output):
    """What ended."""

    customer_id = serializers.UUIDField()
    customer_revenue_system_configuration_ids = serializers.ListField(child=serializers.UUIDField())


class DeliveryOutput(Output):
    """A way to a provider."""

    billing_provider = serializers.CharField()
    delivery_method = serializers.CharField()
    delivery_method_configuration = serializers.DictField(source="configuration")
    delivery_method_id = serializers.UUIDField(source="id")


class SetUpOutput(Output):
    """The way that was set up."""

    delivery_method_id = serializers.UUIDField(source="id")


def present_provider(row: ProviderConfiguration) -> dict[str, Any]:
    """A configuration as all answers show it, with what it does not do yet."""
    revenue = row.kind == REVENUE
    shown = {
        "id": row.pk,
        "customer_id": row.customer_id,
        "provider" if revenue else "billing_provider": row.delivery.billing_provider,
        "configuration": row.configuration,
        "delivery_method": row.delivery.delivery_method,
        "delivery_method_id": row.delivery_id,
        "delivery_method_configuration": row.delivery.configuration,
        "archived_at": row.archived_at,
        "warnings": [{"field": "provider" if revenue else "billing_provider", "message": NOT_DELIVERED}],
    }
    if row.tax_provider:
        shown["tax_provider"] = row.tax_provider
    return (RevenueSystemOutput if revenue else ProviderOutput).of(shown)


def new_configuration(body: Mapping[str, Any], customer_id: UUID, kind: str) -> NewProviderConfiguration:
    """A read configuration as services take it."""
    return NewProviderConfiguration(
        customer_id=customer_id,
        billing_provider=body["provider"] if kind == REVENUE else body["billing_provider"],
        configuration=body.get("configuration") or {},
        delivery_method=body.get("delivery_method"),
        delivery_method_id=body.get("delivery_method_id"),
        tax_provider=body.get("tax_provider") or "",
        kind=kind,
    )


def configuration_of_config(body: Mapping[str, Any], customer_id: UUID) -> NewProviderConfiguration:
    """The older `billing_config` as a configuration."""
    provider = body["billing_provider_type"]
    given = {name: value for name, value in body.items() if value is not None}
    del given["billing_provider_type"]
    key = given.pop("billing_provider_customer_id")
    name = "stripe_customer_id" if provider == "stripe" else "billing_provider_customer_id"
    return NewProviderConfiguration(customer_id, provider, {name: key, **given})


class _Setting(ApiView):
    resource = "customers"
    kind: str = BILLING
    body: type[Input] = SetInput

    def set(self, request: Request) -> Response:
        """All of the body, or nothing."""
        asked = self.read_body(request, self.body)["data"]
        new = [new_configuration(one, one["customer_id"], self.kind) for one in asked]
        return data([present_provider(row) for row in providers.set_configurations(new=new, now=now())])


class SetConfigurations(_Setting):
    """POST /v1/setCustomerBillingProviderConfigurations"""

    @extend_schema(request=SetInput, responses=list_of(ProviderOutput), tags=["Customers"])
    def post(self, request: Request) -> Response:
        """Add billing provider configurations, all or none. They are kept and shown; nothing is delivered yet."""
        return self.set(request)


class SetRevenueConfigurations(_Setting):
    """POST /v1/setCustomerRevenueSystemConfigurations"""

    kind, body = REVENUE, SetRevenueInput

    @extend_schema(request=SetRevenueInput, responses=list_of(RevenueSystemOutput), tags=["Customers"])
    def post(self, request: Request) -> Response:
        """Add revenue system configurations, all or none. They are kept and shown; nothing is delivered yet."""
        return self.set(request)


class _Getting(ApiView):
    resource, access = "customers", "read"
    kind: str = BILLING

    def get_all(self, request: Request) -> Response:
        """Of one customer, oldest first."""
        body = self.read_body(request, GetInput)
        require_customer(customer_id=body["customer_id"], field="customer_id")
        rows = providers.list_configurations(
            customer_id=body["customer_id"], kind=self.kind, include_archived=body.get("include_archived", False)
        )
        return data([present_provider(row) for row in rows])


class GetConfigurations(_Getting):
    """POST /v1/getCustomerBillingProviderConfigurations"""

    @extend_schema(request=GetInput, responses=list_of(ProviderOutput), tags=["Customers"])
    def post(self, request: Request) -> Response:
        """List a customer's billing provider configurations."""
        return self.get_all(request)


class GetRevenueConfigurations(_Getting):
    """POST /v1/getCustomerRevenueSystemConfigurations"""

    kind = REVENUE

    @extend_schema(request=GetInput, responses=list_of(RevenueSystemOutput), tags=["Customers"])
    def post(self, request: Request) -> Response:
        """List a customer's revenue system configurations."""
        return self.get_all(request)


class ArchiveConfigurations(ApiView):
    """POST /v1/archiveCustomerBillingProviderConfigurations"""

    resource = "customers"

    @extend_schema(request=ArchiveInput, responses=envelope(ArchivedOutput), tags=["Customers"])
    def post(self, request: Request) -> Response:
        """End billing provider configurations at once, all or none."""
        return data(ArchivedOutput.of(_archive(self.read_body(request, ArchiveInput), BILLING)))


class ArchiveRevenueConfigurations(ApiView):
    """POST /v1/archiveCustomerRevenueSystemConfigurations"""

    resource = "customers"

    @extend_schema(request=ArchiveRevenueInput, responses=envelope(ArchivedRevenueOutput), tags=["Customers"])
    def post(self, request: Request) -> Response:
        """End revenue system configurations at once, all or none."""
        return data(ArchivedRevenueOutput.of(_archive(self.read_body(request, ArchiveRevenueInput), REVENUE)))


class SetUpProvider(ApiView):
    """POST /v1/setUpBillingProvider"""

    resource, in_machine_time = "customers", True

    @extend_schema(request=SetUpInput, responses=envelope(SetUpOutput), tags=["Customers"])
    def post(self, request: Request) -> Response:
        """Set a way to a billing provider up for the account."""
        body = self.read_body(request, SetUpInput)
        return data(SetUpOutput.of(providers.set_up_delivery(**body, now=now())))


class ListProviders(ApiView):
    """POST /v1/listConfiguredBillingProviders"""

    resource, access, in_machine_time = "customers", "read", True

    @extend_schema(request=ListInput, responses=page_of(DeliveryOutput), tags=["Customers"])
    def post(self, request: Request) -> Response:
        """List the ways to billing providers that the account has."""
        self.read_body(request, ListInput)
        page = page_request(request, Style.BODY)
        rows, next_page = paginate(providers.list_deliveries(), page, order=("created_at", "id"))
        return listing(DeliveryOutput.of_each(rows), next_page)


def _archive(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    [name] = [name for name in body if name != "customer_id"]
    providers.archive_configurations(
        customer_id=body["customer_id"], configuration_ids=body[name], kind=kind, now=now(), field=name
    )
    return body
