"""What can be sold: pricing units, billable metrics, products, rate cards and their rates."""

import uuid

from django.db import models
from django.db.models import F, Q

from catalog.package_models import Package, PackageAlias  # noqa: F401 - models of this app in a file of their own
from core.fields import ExactDecimalField, enum_choices, finite
from core.named_schedules import NamedScheduleEntry as BaseNamedScheduleEntry
from engine.calendar import BILLING_FREQUENCIES
from engine.terms import CompositeScope
from engine.usage import Aggregation


class CreditType(models.Model):
    """A pricing unit: a fiat currency or, later, a custom unit.

    `places`: decimals of its smallest unit as stored (USD is stored in cents: 0).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    code = models.CharField(max_length=3, blank=True, default="")
    places = models.PositiveSmallIntegerField(default=0)
    # How far a person's figure is from the stored one: 2 for USD, stored in cents; 0 where whole units are stored.
    minor_digits = models.PositiveSmallIntegerField(default=0)
    is_currency = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "pricing unit"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["code"], condition=~Q(code=""), name="currency_code_once")]

    def __str__(self) -> str:
        return self.name


class BillableMetric(models.Model):
    """What is counted. Filters, aggregation and group keys are fixed at creation; only the name may change."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    aggregation_type = models.CharField(max_length=10, choices=enum_choices(Aggregation))
    aggregation_key = models.CharField(max_length=200, blank=True, default="")
    # {"in_values": [...], "not_in_values": [...]} as on the wire; {} for none
    event_type_filter = models.JSONField(default=dict, blank=True)
    # [{"name", "exists", "in_values", "not_in_values"}] as on the wire
    property_filters = models.JSONField(default=list, blank=True)
    # list of compound keys, each a list of property names
    group_keys = models.JSONField(default=list, blank=True)
    custom_fields = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(aggregation_type="COUNT", aggregation_key="")
                | (~Q(aggregation_type="COUNT") & ~Q(aggregation_key="")),
                name="metric_key_fits_aggregation",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something with a price. Its type is fixed; everything else is versioned in `ProductVersion`."""

    class Type(models.TextChoices):
        USAGE = "USAGE"
        SUBSCRIPTION = "SUBSCRIPTION"
        COMPOSITE = "COMPOSITE"
        FIXED = "FIXED"
        PRO_SERVICE = "PRO_SERVICE"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=12, choices=Type.choices)
    custom_fields = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        newest = self.versions.last()
        return newest.name if newest else str(self.pk)


class ProductVersion(models.Model):
    """A whole state of a product from `starting_at` on (NULL: from ever), until the next version starts.

    The facts are `changed` and `starting_at`; the other columns are what they add up to in order of time. Only
    `catalog.services.products` writes them: an update put in before others states those anew.
    """

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    starting_at = models.DateTimeField(null=True)
    name = models.CharField(max_length=200)
    billable_metric = models.ForeignKey(
        BillableMetric, null=True, on_delete=models.PROTECT, related_name="product_versions"
    )
    pricing_group_key = models.JSONField(default=list)
    presentation_group_key = models.JSONField(default=list)
    # {"conversion_factor", "operation": "MULTIPLY|DIVIDE", "name"}, the factor as text; None for none
    quantity_conversion = models.JSONField(null=True)
    # {"rounding_method", "decimal_places"}; None for none
    quantity_rounding = models.JSONField(null=True)
    tags = models.JSONField(default=list)
    # COMPOSITE: of which products' spend it is a percentage, as ids in text; tags mean any of these
    composite_product_ids = models.JSONField(default=list)
    composite_tags = models.JSONField(default=list)
    composite_scope = models.CharField(
        max_length=8, choices=enum_choices(CompositeScope), default=CompositeScope.CONTRACT.value
    )
    exclude_free_usage = models.BooleanField(default=False)
    include_composite_spend = models.BooleanField(default=False)
    is_refundable = models.BooleanField(default=True)
    netsuite_internal_item_id = models.CharField(max_length=200, blank=True, default="")
    netsuite_overage_item_id = models.CharField(max_length=200, blank=True, default="")
    # what this version changed, by column name (`billable_metric_id`); all that was given, for the initial one
    changed = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, default="")

    class Meta:
        ordering = [F("starting_at").asc(nulls_first=True), "number"]
        constraints = [
            models.UniqueConstraint(fields=["product", "number"], name="product_version_number_once"),
            models.CheckConstraint(
                condition=Q(number=0, starting_at__isnull=True) | Q(number__gt=0, starting_at__isnull=False),
                name="product_version_zero_is_initial",
            ),
            models.CheckConstraint(
                condition=Q(composite_product_ids=[], composite_tags=[]) | Q(billable_metric__isnull=True),
                name="composite_product_has_no_metric",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class RateCard(models.Model):
    """A price list that contracts refer to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    fiat_credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    custom_fields = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, default="")
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class CreditTypeConversion(models.Model):
    """What one unit of a custom credit type costs in the card's currency, in its stored unit (cents for USD)."""

    id = models.BigAutoField(primary_key=True)
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="conversions")
    custom_credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    fiat_per_custom_credit = ExactDecimalField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["rate_card", "custom_credit_type"], name="conversion_once_per_card"),
            finite("conversion_finite", "fiat_per_custom_credit"),
            models.CheckConstraint(condition=Q(fiat_per_custom_credit__gte=0), name="conversion_not_below_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.custom_credit_type} at {self.fiat_per_custom_credit}"


class ProductOrder(models.Model):
    """A product's place among those that have one on a card, from 0; products without one follow."""

    id = models.BigAutoField(primary_key=True)
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="product_orders")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["rate_card", "product"], name="product_ordered_once_per_card"),
            models.UniqueConstraint(fields=["rate_card", "position"], name="one_product_at_each_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.product_id}"


class RateCardAlias(models.Model):
    """A name that points at one card at a time, by schedule (an exclusion constraint in catalog/sql proves it)."""

    id = models.BigAutoField(primary_key=True)
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="aliases")
    name = models.CharField(max_length=128, db_index=True)
    starting_at = models.DateTimeField(null=True)
    ending_before = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "rate card aliases"
        ordering = [F("starting_at").asc(nulls_first=True), "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starting_at__isnull=True)
                | Q(ending_before__isnull=True)
                | Q(starting_at__lt=F("ending_before")),
                name="rate_card_alias_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Rate(models.Model):
    """A price of a product on a card over time.

    A later-added rate wins where two overlap (`sequence`, the order of adding).
    """

    class Type(models.TextChoices):
        FLAT = "FLAT"
        TIERED = "TIERED"
        PERCENTAGE = "PERCENTAGE"
        TIERED_PERCENTAGE = "TIERED_PERCENTAGE"
        SUBSCRIPTION = "SUBSCRIPTION"
        VOLUME = "VOLUME"
        PACKAGE = "PACKAGE"
        CUSTOM = "CUSTOM"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sequence = models.BigIntegerField(editable=False)
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="rates")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="rates")
    # {"region": "us", …}; {} where the product has no pricing group key
    pricing_group_values = models.JSONField(default=dict)
    starting_at = models.DateTimeField()
    ending_before = models.DateTimeField(null=True)
    entitled = models.BooleanField()
    rate_type = models.CharField(max_length=20, choices=Type.choices)
    credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    price = ExactDecimalField(null=True)
    # [{"size": "5", "price": "0"}, …, {"price": "1.5"}], decimals as strings; [] unless tiered
    tiers = models.JSONField(default=list)
    # PACKAGE: how many units a block holds
    package_size = ExactDecimalField(null=True)
    # percentages: what a billing period costs at least
    minimum = ExactDecimalField(null=True)
    # CUSTOM: what the seller's own program makes of it, as JSON text, so that its numbers stay exact; "" for all others
    custom_rate = models.TextField(blank=True, default="")
    # a price that balances may be drawn at instead, as catalog.prices stores it; None for none
    commit_rate = models.JSONField(null=True)
    # how often a subscription is charged; "" for all other products
    billing_frequency = models.CharField(
        max_length=10, choices=enum_choices(BILLING_FREQUENCIES), blank=True, default=""
    )
    # defaults of SUBSCRIPTION rates
    is_prorated = models.BooleanField(null=True)
    quantity = ExactDecimalField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, default="")

    class Meta:
        ordering = ["sequence"]
        indexes = [models.Index(fields=["rate_card", "product", "sequence"], name="rate_lookup_idx")]
        constraints = [
            models.UniqueConstraint(fields=["rate_card", "sequence"], name="rate_sequence_once"),
            finite("rate_price_finite", "price"),
            finite("rate_terms_finite", "package_size", "minimum", "quantity"),
            models.CheckConstraint(condition=Q(price__isnull=True) | Q(price__gte=0), name="rate_price_not_negative"),
            models.CheckConstraint(
                condition=(
                    Q(minimum__isnull=True) | Q(minimum__gte=0, rate_type__in=("PERCENTAGE", "TIERED_PERCENTAGE"))
                )
                & (Q(quantity__isnull=True) | Q(quantity__gte=0, rate_type="SUBSCRIPTION")),
                name="rate_terms_fit_type",
            ),
            models.CheckConstraint(
                condition=~Q(rate_type="CUSTOM") & Q(custom_rate="")
                | Q(rate_type="CUSTOM", price__isnull=True, tiers=[]) & ~Q(custom_rate=""),
                name="custom_rate_has_no_price",
            ),
            models.CheckConstraint(
                condition=~Q(rate_type="PACKAGE") & Q(package_size__isnull=True)
                | Q(rate_type="PACKAGE", package_size__gt=0, price__isnull=False),
                name="package_rate_has_size",
            ),
            models.CheckConstraint(
                condition=~Q(rate_type__in=("PERCENTAGE", "SUBSCRIPTION")) | Q(price__isnull=False),
                name="priced_rate_has_price",
            ),
            models.CheckConstraint(
                condition=Q(ending_before__isnull=True) | Q(starting_at__lt=F("ending_before")),
                name="rate_ends_after_start",
            ),
            models.CheckConstraint(condition=~Q(rate_type="FLAT") | Q(price__isnull=False), name="flat_rate_has_price"),
            models.CheckConstraint(
                condition=~Q(rate_type__in=("TIERED", "TIERED_PERCENTAGE", "VOLUME")) | ~Q(tiers=[]),
                name="tiered_rate_has_tiers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rate_type} from {self.starting_at:%Y-%m-%d}"


class NamedScheduleEntry(BaseNamedScheduleEntry):
    """A value of a rate card's named schedules."""

    owner = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="named_schedule_entries")

    class Meta(BaseNamedScheduleEntry.Meta):
        verbose_name_plural = "named schedule entries"
