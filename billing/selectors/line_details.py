"""What an invoice's lines are about, as it stands now: custom fields of products, subscriptions and balances."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet

from balances.models import Balance
from billing.types import LineView
from catalog.models import Product
from contracts.models import Subscription

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Paid:
    """The balance that pays a line, or that a line charges for."""

    kind: str
    access_type: str
    custom_fields: Fields
    netsuite_sales_order_id: str


@dataclass(frozen=True, slots=True)
class LineFacts:
    """By id. Products and subscriptions without custom fields are left out."""

    products: Mapping[UUID, Fields] = field(default_factory=dict)
    subscriptions: Mapping[UUID, Fields] = field(default_factory=dict)
    balances: Mapping[UUID, Paid] = field(default_factory=dict)


def facts_of_lines(lines: Iterable[LineView]) -> LineFacts:
    """The facts of these lines; at most three queries, however many there are."""
    found = list(lines)
    products = {line.product_id for line in found if line.product_id is not None}
    subscriptions = {line.subscription_id for line in found if line.subscription_id is not None}
    balances = {line.commit_id for line in found if line.commit_id is not None}
    columns = ("kind", "access_type", "custom_fields", "netsuite_sales_order_id")
    return LineFacts(
        products=_custom_fields(Product.objects.filter(pk__in=products)) if products else {},
        subscriptions=_custom_fields(Subscription.objects.filter(pk__in=subscriptions)) if subscriptions else {},
        balances={
            pk: Paid(*facts) for pk, *facts in Balance.objects.filter(pk__in=balances).values_list("pk", *columns)
        }
        if balances
        else {},
    )


def _custom_fields(rows: QuerySet[Product] | QuerySet[Subscription]) -> dict[UUID, Fields]:
    return dict(rows.exclude(custom_fields={}).values_list("pk", "custom_fields"))
