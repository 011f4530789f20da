"""Billing provider configurations of customers: stored, shown and referred to by contracts.

Nothing is delivered to a provider yet: whoever shows one says so (`NOT_DELIVERED`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from core import audit
from core.errors import Conflict, InvalidInput, NotFound
from core.events import publish
from core.transactions import require_transaction, use_case
from customers.events import ProviderConfigurationArchived, ProviderConfigurationSet
from customers.models import Customer, DeliveryMethod, ProviderConfiguration

NOT_DELIVERED: Final = "is kept and shown; nothing is delivered to a billing provider until payments are supported"
MOST: Final = 100
COLLECTION_METHODS: Final = ("charge_automatically", "send_invoice")
BILLING, REVENUE = ProviderConfiguration.Kind.BILLING_PROVIDER, ProviderConfiguration.Kind.REVENUE_SYSTEM
DIRECT = DeliveryMethod.Method.DIRECT
BY_ITSELF: Final = ("stripe", "netsuite", "custom", "quickbooks_online", "workday", "metronome")
"""Providers with a direct way that nobody has to set up."""
MARKETPLACES: Final = ("aws_marketplace", "azure_marketplace", "gcp_marketplace")
"""Providers that collect from whoever is their customer."""


@dataclass(frozen=True, slots=True)
class NewProviderConfiguration:
    """A customer at a provider. `delivery_method_id` names a way that was set up; else `delivery_method` must do."""

    customer_id: UUID
    billing_provider: str
    configuration: dict[str, Any] = field(default_factory=dict)
    delivery_method: str | None = None
    delivery_method_id: UUID | None = None
    tax_provider: str = ""
    kind: str = BILLING


def set_configurations(
    *, new: Sequence[NewProviderConfiguration], now: datetime, where: str = "data"
) -> list[ProviderConfiguration]:
    """Adds configurations, all or none. Raises InvalidInput naming the item, also for unknown or archived customers."""
    with use_case():
        return add_configurations(new=new, now=now, where=where)


def add_configurations(
    *, new: Sequence[NewProviderConfiguration], now: datetime, where: str
) -> list[ProviderConfiguration]:
    """The part that creating a customer shares. Raises InvalidInput naming the item below `where`."""
    require_transaction()
    ids = sorted({one.customer_id for one in new})
    customers = Customer.objects.select_for_update(no_key=True).order_by("pk").in_bulk(ids)
    rows = []
    for index, one in enumerate(new):
        try:
            customer = _living(customers.get(one.customer_id))
            _check(one)
            delivery = _delivery(one, now)
        except InvalidInput as error:
            message = error.message.removeprefix(f"{error.field}: ")
            raise InvalidInput(message, field=f"{where}.{index}.{error.field}") from error
        rows.append(
            ProviderConfiguration(
                customer=customer, kind=one.kind, delivery=delivery, configuration=one.configuration,
                tax_provider=one.tax_provider, created_at=now, ordinal=index,
            )
        )  # fmt: skip
    ProviderConfiguration.objects.bulk_create(rows)
    for row in rows:
        detail = {
            "kind": row.kind,
            "billing_provider": row.delivery.billing_provider,
            "delivery_method": row.delivery.delivery_method,
            "configuration": row.configuration,
        }
        publish(
            ProviderConfigurationSet(
                customer_id=row.customer_id,
                occurred_at=now,
                configuration_id=row.pk,
                billing_provider=row.delivery.billing_provider,
            )
        )
        audit.record("customer.set_provider_configuration", row.customer, at=now, detail=detail)
    return rows


def archive_configurations(
    *, customer_id: UUID, configuration_ids: Sequence[UUID], kind: str, now: datetime, field: str
) -> None:
    """Ends configurations at once, all or none; archived ones stay so.

    Raises NotFound, InvalidInput naming the item.
    """
    with use_case():
        customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
        if customer is None:
            raise NotFound(f"no customer {customer_id}", field="customer_id")
        rows = ProviderConfiguration.objects.select_related("delivery").filter(customer=customer, kind=kind)
        found = rows.in_bulk(configuration_ids)
        for index, configuration_id in enumerate(configuration_ids):
            if configuration_id not in found:
                raise InvalidInput("the customer has no such configuration", field=f"{field}.{index}")
        living = [row for row in found.values() if row.archived_at is None]
        ProviderConfiguration.objects.filter(pk__in=[row.pk for row in living]).update(archived_at=now)
        for row in living:
            publish(
                ProviderConfigurationArchived(
                    customer_id=customer.pk,
                    occurred_at=now,
                    configuration_id=row.pk,
                    billing_provider=row.delivery.billing_provider,
                )
            )
            detail = {"configuration_id": str(row.pk), "billing_provider": row.delivery.billing_provider}
            audit.record("customer.archive_provider_configuration", customer, at=now, detail=detail)


def set_up_delivery(
    *, billing_provider: str, delivery_method: str, configuration: dict[str, Any], now: datetime
) -> DeliveryMethod:
    """A way to a provider for the whole account. Raises Conflict where there is a direct one already."""
    with use_case():
        if delivery_method == DIRECT and DeliveryMethod.objects.filter(
            billing_provider=billing_provider, delivery_method=DIRECT
        ):
            raise Conflict("this billing provider is set up already", field="billing_provider")
        row = DeliveryMethod.objects.create(
            billing_provider=billing_provider,
            delivery_method=delivery_method,
            configuration=configuration,
            created_at=now,
        )
        detail = {"billing_provider": billing_provider, "delivery_method": delivery_method}
        audit.record("billing_provider.set_up", row, at=now, detail=detail)
    return row


def list_deliveries() -> QuerySet[DeliveryMethod]:
    """The ways that there are, oldest first."""
    return DeliveryMethod.objects.all()


def list_configurations(
    *, customer_id: UUID, kind: str = BILLING, include_archived: bool = False
) -> QuerySet[ProviderConfiguration]:
    """A customer's configurations with their ways, oldest first."""
    rows = ProviderConfiguration.objects.select_related("delivery").filter(customer_id=customer_id, kind=kind)
    return rows if include_archived else rows.filter(archived_at__isnull=True)


def configurations_by_id(ids: Collection[UUID]) -> dict[UUID, ProviderConfiguration]:
    """These configurations, archived ones too; one query, none for none."""
    return ProviderConfiguration.objects.select_related("delivery").in_bulk(ids) if ids else {}


def chargeable_customers() -> QuerySet[ProviderConfiguration, Any]:
    """The ids of customers who can be charged without their doing: by card at Stripe, or by a cloud's marketplace.

    A subquery for others' reads.
    """
    living = ProviderConfiguration.objects.filter(kind=BILLING, archived_at__isnull=True)
    by_card = Q(delivery__billing_provider="stripe", configuration__stripe_collection_method=COLLECTION_METHODS[0])
    return living.filter(by_card | Q(delivery__billing_provider__in=MARKETPLACES)).values("customer_id")


def find_configuration(
    *,
    customer_id: UUID,
    kind: str,
    configuration_id: UUID | None = None,
    billing_provider: str | None = None,
    delivery_method: str | None = None,
) -> ProviderConfiguration:
    """The configuration that a contract names: by its id, or as the only one of its provider and way.

    Raises InvalidInput naming the part of the name that is at fault.
    """
    own = "revenue_system_configuration_id" if kind == REVENUE else "billing_provider_configuration_id"
    provider = "provider" if kind == REVENUE else "billing_provider"
    living: Iterable[ProviderConfiguration] = list_configurations(customer_id=customer_id, kind=kind)
    if configuration_id is not None:
        if billing_provider or delivery_method:
            raise InvalidInput(f"excludes {provider} and delivery_method", field=own)
        found = [row for row in living if row.pk == configuration_id]
        if not found:
            raise InvalidInput("the customer has no such configuration, or it is archived", field=own)
        return found[0]
    if not billing_provider:
        raise InvalidInput(f"is needed, or {provider} and delivery_method", field=own)
    found = [row for row in living if row.delivery.billing_provider == billing_provider]
    if delivery_method:
        found = [row for row in found if row.delivery.delivery_method == delivery_method]
    if not found:
        raise InvalidInput("the customer has no such configuration; set one first", field=provider)
    if len(found) > 1:
        raise InvalidInput(f"the customer has several; name one by {own}", field=provider)
    return found[0]


def _living(customer: Customer | None) -> Customer:
    if customer is None:
        raise InvalidInput("no such customer", field="customer_id")
    if customer.archived_at is not None:
        raise InvalidInput("the customer is archived", field="customer_id")
    return customer


def _check(new: NewProviderConfiguration) -> None:
    """What of a configuration can be known to be wrong."""
    if new.billing_provider != DeliveryMethod.Provider.STRIPE:
        return
    given = new.configuration
    if not isinstance(given.get("stripe_customer_id"), str) or not given["stripe_customer_id"]:
        raise InvalidInput("is needed, as text", field="configuration.stripe_customer_id")
    method = given.get("stripe_collection_method")
    if method is not None and method not in COLLECTION_METHODS:
        names = ", ".join(COLLECTION_METHODS)
        raise InvalidInput(f"must be one of {names}", field="configuration.stripe_collection_method")


def _delivery(new: NewProviderConfiguration, now: datetime) -> DeliveryMethod:
    """The way that a configuration goes. Those that need no setting up are there when they are first named."""
    if new.delivery_method_id is not None:
        found = DeliveryMethod.objects.filter(pk=new.delivery_method_id).first()
        if found is None or found.billing_provider != new.billing_provider:
            raise InvalidInput("no such delivery method of this provider", field="delivery_method_id")
        if new.delivery_method not in (None, found.delivery_method):
            raise InvalidInput("is not that of delivery_method_id", field="delivery_method")
        return found
    method = new.delivery_method or DIRECT
    rows = list(DeliveryMethod.objects.filter(billing_provider=new.billing_provider, delivery_method=method)[:2])
    if len(rows) > 1:
        raise InvalidInput("there are several; name one by delivery_method_id", field="delivery_method")
    if rows:
        return rows[0]
    if method != DIRECT or new.billing_provider not in BY_ITSELF:
        raise InvalidInput("is not set up; see /v1/setUpBillingProvider", field="delivery_method")
    row, _ = DeliveryMethod.objects.get_or_create(
        billing_provider=new.billing_provider, delivery_method=method, defaults={"created_at": now}
    )
    return row
