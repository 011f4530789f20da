"""What becomes of what can be sold."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import DomainEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductEvent(DomainEvent):
    """Base of events about a product."""

    SUBJECT = ("product", "product_id")

    product_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCreated(ProductEvent):
    """A new product with its first version."""

    name = "product.created"
    title = "Product created"

    product_type: str
    product_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductUpdated(ProductEvent):
    """These settings of it are others from `starting_at` on; the product's versions hold what they are."""

    name = "product.updated"
    title = "Product changed"

    starting_at: datetime
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductArchived(ProductEvent):
    """Kept from new rates."""

    name = "product.archived"
    title = "Product archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillableMetricEvent(DomainEvent):
    """Base of events about a billable metric."""

    SUBJECT = ("billablemetric", "billable_metric_id")

    billable_metric_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class BillableMetricCreated(BillableMetricEvent):
    """A new metric. `aggregation_key`: the property that it adds up; None for COUNT."""

    name = "billable_metric.created"
    title = "Metric created"

    metric_name: str
    aggregation_type: str
    aggregation_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillableMetricRenamed(BillableMetricEvent):
    """It is called something else from now on."""

    name = "billable_metric.renamed"
    title = "Metric renamed"

    metric_name: str
    previous_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillableMetricGroupKeysAdded(BillableMetricEvent):
    """Group keys added, each a property or several together; they hold for the past too."""

    name = "billable_metric.group_keys_added"
    title = "Group keys added to metric"

    group_keys: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillableMetricArchived(BillableMetricEvent):
    """Kept from new products."""

    name = "billable_metric.archived"
    title = "Metric archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTypeEvent(DomainEvent):
    """Base of events about a pricing unit."""

    SUBJECT = ("credittype", "credit_type_id")

    credit_type_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTypeCreated(CreditTypeEvent):
    """A new custom pricing unit."""

    name = "credit_type.created"
    title = "Pricing unit created"

    credit_type_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTypeArchived(CreditTypeEvent):
    """Kept from new rates and conversions."""

    name = "credit_type.archived"
    title = "Pricing unit archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCardEvent(DomainEvent):
    """Base of events about a rate card."""

    SUBJECT = ("ratecard", "rate_card_id")

    rate_card_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCardCreated(RateCardEvent):
    """A new card. `currency`: ISO 4217."""

    name = "rate_card.created"
    title = "Rate card created"

    rate_card_name: str
    currency: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCardUpdated(RateCardEvent):
    """What changed: None means "not given". `converted_credit_type_ids`: pricing units that it converts from now on."""

    name = "rate_card.updated"
    title = "Rate card changed"

    rate_card_name: str | None = None
    description: str | None = None
    aliases: tuple[str, ...] | None = None
    converted_credit_type_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCardArchived(RateCardEvent):
    """Kept from new contracts."""

    name = "rate_card.archived"
    title = "Rate card archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCardAliasMovedAway(RateCardEvent):
    """Another card has these aliases from now on, for a time or for good."""

    name = "rate_card.alias_moved_away"
    title = "Alias moved to another rate card"

    to_rate_card_id: UUID
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCardRatesAdded(RateCardEvent):
    """Rates in the order in which they were added."""

    name = "rate_card.rates_added"
    title = "Rates added"

    rate_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCardProductsOrdered(RateCardEvent):
    """The products that have a place on the card, in their order."""

    name = "rate_card.products_ordered"
    title = "Products put in order"

    product_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCardNamedScheduleUpdated(RateCardEvent):
    """A value of a named schedule from `starting_at` on; `value` is JSON text."""

    name = "rate_card.named_schedule_updated"
    title = "Rate card's named schedule changed"

    schedule_name: str
    starting_at: datetime
    ending_before: datetime | None
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageEvent(DomainEvent):
    """Base of events about a package."""

    SUBJECT = ("package", "package_id")

    package_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageCreated(PackageEvent):
    """A new package, with the aliases that name it."""

    name = "package.created"
    title = "Package created"

    package_name: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageArchived(PackageEvent):
    """Kept from new contracts."""

    name = "package.archived"
    title = "Package archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageAliasMovedAway(PackageEvent):
    """Another package has these aliases from now on, for a time or for good."""

    name = "package.alias_moved_away"
    title = "Alias moved to another package"

    to_package_id: UUID
    aliases: tuple[str, ...]
