"""What an invoice's lines are about, as it stands now: products, subscriptions and balances."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from balances.models import Balance
from billing.types import LineView
from catalog.models import ProductVersion
from catalog.selectors import state_at
from charges.models import Discount, ScheduledCharge
from contracts.models import Subscription

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sold:
    """A line's product: its tags and what NetSuite calls it are those of the version in force."""

    custom_fields: Fields = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    netsuite_item_id: str = ""


@dataclass(frozen=True, slots=True)
class Paid:
    """The balance that pays a line, or that a line charges for."""

    kind: str
    access_type: str
    custom_fields: Fields
    netsuite_sales_order_id: str
    product_id: UUID


@dataclass(frozen=True, slots=True)
class LineFacts:
    """By id. What has no custom fields is left out; `products` has those of balances too. `scheduled`: of scheduled
    charges and of discounts.
    """

    products: Mapping[UUID, Sold] = field(default_factory=dict)
    subscriptions: Mapping[UUID, Fields] = field(default_factory=dict)
    balances: Mapping[UUID, Paid] = field(default_factory=dict)
    scheduled: Mapping[UUID, Fields] = field(default_factory=dict)


def facts_of_lines(lines: Iterable[LineView], *, now: datetime) -> LineFacts:
    """The facts of these lines; at most five queries, however many there are."""
    found = list(lines)
    subscriptions = {line.subscription_id for line in found if line.subscription_id is not None}
    commits = {line.commit_id for line in found if line.commit_id is not None}
    columns = ("kind", "access_type", "custom_fields", "netsuite_sales_order_id", "product_id")
    balances = (
        {pk: Paid(*facts) for pk, *facts in Balance.objects.filter(pk__in=commits).values_list("pk", *columns)}
        if commits
        else {}
    )
    products = {line.product_id for line in found if line.product_id is not None}
    products |= {balance.product_id for balance in balances.values()}
    labelled = Subscription.objects.filter(pk__in=subscriptions).exclude(custom_fields={})
    return LineFacts(
        products=_sold(products, now) if products else {},
        subscriptions=dict(labelled.values_list("pk", "custom_fields")) if subscriptions else {},
        balances=balances,
        scheduled=_scheduled(found),
    )


def _scheduled(lines: Collection[LineView]) -> dict[UUID, Fields]:
    """Custom fields of what is charged or taken off by date; no query where nothing is."""
    charges = {line.scheduled_charge_id for line in lines if line.scheduled_charge_id is not None}
    discounts = {line.discount_id for line in lines if line.discount_id is not None}
    found: dict[UUID, Fields] = {}
    for rows, ids in ((ScheduledCharge.objects, charges), (Discount.objects, discounts)):
        if ids:
            found |= dict(rows.filter(pk__in=ids).exclude(custom_fields={}).values_list("pk", "custom_fields"))
    return found


def _sold(products: Collection[UUID], now: datetime) -> dict[UUID, Sold]:
    versions: dict[UUID, list[ProductVersion]] = {}
    rows = ProductVersion.objects.filter(product_id__in=products).select_related("product")
    for version in rows:
        versions.setdefault(version.product_id, []).append(version)
    return {product_id: _sold_now(state_at(history, now)) for product_id, history in versions.items()}


def _sold_now(state: ProductVersion) -> Sold:
    return Sold(state.product.custom_fields, tuple(state.tags), state.netsuite_internal_item_id)
