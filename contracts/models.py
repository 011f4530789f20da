"""What was agreed."""

import uuid

from django.db import models
from django.db.models import F, Q

from catalog.models import CreditType, Product, RateCard
from catalog.package_models import Package
from contracts.provider_models import ContractProvider
from contracts.renewal_models import RenewalDecision, RenewalPolicy
from contracts.trial_models import TRIAL_CONSTRAINTS, TRIAL_INDEX, TrialTerms
from contracts.usage_filter_models import UsageFilter
from core.fields import ExactDecimalField, enum_choices, finite
from core.named_schedules import NamedScheduleEntry as BaseNamedScheduleEntry
from customers.models import Customer
from engine.calendar import BILLING_FREQUENCIES, BillingDay, Frequency
from engine.overrides import OverrideType, Prioritization, RateTarget
from engine.quantities import ChangeKind
from engine.subscriptions import Collection, InvoiceBehavior, Placement

__all__ = [
    "Contract",
    "ContractEdit",
    "ContractProvider",
    "NamedScheduleEntry",
    "Override",
    "RenewalDecision",
    "RenewalPolicy",
    "Subscription",
    "SubscriptionChange",
    "UsageFilter",
]


class Contract(TrialTerms):
    """Terms between the seller and a customer over `[starting_at, ending_before)`.

    There is no status: active means that the present lies inside and it is not archived.
    """

    class Consolidation(models.TextChoices):
        ALL = "ALL"

    class Transition(models.TextChoices):
        RENEWAL = "RENEWAL"
        SUPERSEDE = "SUPERSEDE"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contracts")
    rate_card = models.ForeignKey(RateCard, null=True, blank=True, on_delete=models.PROTECT, related_name="contracts")
    # what it was made of
    package = models.ForeignKey(Package, null=True, blank=True, on_delete=models.PROTECT, related_name="contracts")
    name = models.CharField(max_length=200, blank=True, default="")
    starting_at = models.DateTimeField()
    ending_before = models.DateTimeField(null=True, blank=True)
    billing_frequency = models.CharField(
        max_length=10, choices=enum_choices(BILLING_FREQUENCIES), default=Frequency.MONTHLY.value
    )
    billing_day = models.CharField(
        max_length=16, choices=enum_choices(BillingDay), default=BillingDay.FIRST_OF_MONTH.value
    )
    # resolved from the day at creation (midnight UTC, or the hour of a CONTRACT_START); periods are counted from it
    billing_anchor_at = models.DateTimeField()
    invoice_generation_starting_at = models.DateTimeField(null=True, blank=True)
    net_payment_terms_days = models.PositiveIntegerField(default=0)
    multiplier_override_prioritization = models.CharField(
        max_length=17, choices=enum_choices(Prioritization), default=Prioritization.LOWEST_MULTIPLIER.value
    )
    # ALL: what is charged for the date on which a usage period ends stands on that period's invoice
    scheduled_charges_on_usage_invoices = models.CharField(
        max_length=3, choices=Consolidation.choices, blank=True, default=""
    )
    # the contract that this one renews or supersedes: it ended where this one begins
    renews = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="renewals")
    # which of the two: a RENEWAL takes along what rolls over, SUPERSEDE takes nothing; "" renews none
    transition = models.CharField(max_length=9, choices=Transition.choices, blank=True, default="")
    # its place in a hierarchy, set when it is made; `paying_customer`: the parent's customer, where that one pays
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    paying_customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # set with the first subscription, for ever: whoever bills it need not ask where there are none
    has_subscriptions = models.BooleanField(default=False, editable=False)
    # set with the first threshold configuration, spend tracker, usage filter, for ever, likewise
    has_threshold_terms = models.BooleanField(default=False, editable=False)
    has_usage_filters = models.BooleanField(default=False, editable=False)
    uniqueness_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - NULLs are not equal
    custom_fields = models.JSONField(default=dict, blank=True)
    # what other systems of the seller's know it by, and what they say it is worth in all; shown again, nothing more
    netsuite_sales_order_id = models.CharField(max_length=200, blank=True, default="")
    salesforce_opportunity_id = models.CharField(max_length=200, blank=True, default="")
    total_contract_value = ExactDecimalField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, default="")
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["customer", "starting_at"], name="contract_customer_idx"), TRIAL_INDEX]
        constraints = [
            *TRIAL_CONSTRAINTS,
            models.UniqueConstraint(fields=["uniqueness_key"], name="contract_uniqueness_key_once"),
            models.CheckConstraint(
                condition=Q(ending_before__isnull=True) | Q(starting_at__lt=F("ending_before")),
                name="contract_ends_after_start",
            ),
            finite("contract_value_finite", "total_contract_value"),
            models.CheckConstraint(
                condition=Q(paying_customer__isnull=True) | Q(parent__isnull=False), name="contract_payer_is_a_parent"
            ),
            models.CheckConstraint(
                condition=Q(renews__isnull=True, transition="") | Q(renews__isnull=False) & ~Q(transition=""),
                name="contract_transition_is_from_another",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"Contract from {self.starting_at:%d %b %Y}"


class ContractEdit(models.Model):
    """One edit of a contract, all or nothing. What it added and removed points at it; `told` never changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="edits")
    uniqueness_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - NULLs do not collide
    # what was asked and the ids that it made, as answers tell it: exact JSON (core.exact_json.dumps)
    told = models.TextField(editable=False)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, default="")

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["uniqueness_key"], name="contract_edit_uniqueness_key_once")]

    def __str__(self) -> str:
        return f"edit of {self.created_at:%Y-%m-%d %H:%M}"


class Override(models.Model):
    """A price agreed on a contract, in force `[starting_at, ending_before)`; never stacked (engine.overrides).

    `sequence` is the order of adding on the contract. A removed one stays as history and no longer counts.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="overrides")
    sequence = models.PositiveIntegerField(editable=False)
    # "" only sets `entitled`
    type = models.CharField(max_length=10, choices=enum_choices(OverrideType), blank=True, default="")
    starting_at = models.DateTimeField()
    ending_before = models.DateTimeField(null=True, blank=True)
    entitled = models.BooleanField(null=True, blank=True)
    multiplier = ExactDecimalField(null=True)
    priority = ExactDecimalField(null=True)
    # TIERED: [{"size": "10", "multiplier": "0.8"}, …], decimals as text
    tiers = models.JSONField(default=list)
    # OVERWRITE: {"rate_type", "price", "tiers", "package_size", "minimum"} as in catalog.prices, decimals as text; and
    # "is_prorated": true where that was said of a SUBSCRIPTION price
    overwrite_rate = models.JSONField(null=True)
    overwrite_credit_type = models.ForeignKey(
        CreditType, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    applicable_product_tags = models.JSONField(default=list)
    # as on the wire
    override_specifiers = models.JSONField(default=list)
    is_commit_specific = models.BooleanField(default=False)
    target = models.CharField(max_length=11, choices=enum_choices(RateTarget), default=RateTarget.LIST_RATE.value)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, default="")
    added_by = models.ForeignKey(
        ContractEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="added_overrides"
    )
    removed_by = models.ForeignKey(
        ContractEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="removed_overrides"
    )

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "sequence"], name="override_sequence_once"),
            finite("override_numbers_finite", "multiplier", "priority"),
            models.CheckConstraint(
                condition=Q(ending_before__isnull=True) | Q(starting_at__lt=F("ending_before")),
                name="override_ends_after_start",
            ),
            models.CheckConstraint(
                condition=(Q(multiplier__isnull=True) | Q(multiplier__gte=0))
                & (Q(priority__isnull=True) | Q(priority__gt=0)),
                name="override_numbers_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    type="", entitled__isnull=False, multiplier__isnull=True, tiers=[], overwrite_rate__isnull=True
                )
                | Q(type="OVERWRITE", overwrite_rate__isnull=False, multiplier__isnull=True, tiers=[])
                | Q(type="MULTIPLIER", multiplier__isnull=False, tiers=[], overwrite_rate__isnull=True)
                | Q(type="TIERED", priority__isnull=False, multiplier__isnull=True, overwrite_rate__isnull=True)
                & ~Q(tiers=[]),
                name="override_fits_its_type",
            ),
            models.CheckConstraint(
                condition=Q(override_specifiers=[]) | Q(product__isnull=True, applicable_product_tags=[]),
                name="override_specifiers_stand_alone",
            ),
            models.CheckConstraint(
                condition=Q(target="LIST_RATE") | Q(is_commit_specific=True), name="override_of_commit_rate_is_specific"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type or 'entitlement'} from {self.starting_at:%Y-%m-%d}"


class Subscription(models.Model):
    """A product that is charged for by quantity and time, over `[starting_at, ending_before)`; None: with the contract.

    Its quantity is what its changes add up to (engine.quantities). `sequence` is the order of adding on the contract.
    """

    class Mode(models.TextChoices):
        QUANTITY_ONLY = "QUANTITY_ONLY"
        SEAT_BASED = "SEAT_BASED"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="subscriptions")
    sequence = models.PositiveIntegerField(editable=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    billing_frequency = models.CharField(max_length=10, choices=enum_choices(BILLING_FREQUENCIES))
    collection_schedule = models.CharField(max_length=7, choices=enum_choices(Collection))
    is_prorated = models.BooleanField(default=True)
    invoice_behavior = models.CharField(
        max_length=28, choices=enum_choices(InvoiceBehavior), default=InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE.value
    )
    # {"rounding_method", "decimal_places"} as on the wire, of each prorated unit price; {}: not rounded
    proration_rounding = models.JSONField(default=dict, blank=True)
    invoice_placement = models.CharField(
        max_length=20, choices=enum_choices(Placement), default=Placement.ON_USAGE_INVOICE.value
    )
    # what its periods are counted from; NULL: what the contract's are
    billing_anchor_at = models.DateTimeField(null=True, blank=True)
    starting_at = models.DateTimeField()
    ending_before = models.DateTimeField(null=True, blank=True)
    name = models.CharField(max_length=200, blank=True, default="")
    description = models.CharField(max_length=1000, blank=True, default="")
    quantity_management_mode = models.CharField(max_length=13, choices=Mode.choices, default=Mode.QUANTITY_ONLY)
    # the property of events that says whose usage it is; "" unless SEAT_BASED
    seat_group_key = models.CharField(max_length=200, blank=True, default="")
    custom_fields = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")
    added_by = models.ForeignKey(
        ContractEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="added_subscriptions"
    )

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "sequence"], name="subscription_sequence_once"),
            models.CheckConstraint(
                condition=Q(ending_before__isnull=True) | Q(starting_at__lt=F("ending_before")),
                name="subscription_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(collection_schedule="ADVANCE")
                | Q(invoice_behavior="BILL_ON_NEXT_COLLECTION_DATE", billing_anchor_at__isnull=True),
                name="subscription_in_arrears_waits",
            ),
            models.CheckConstraint(
                condition=Q(quantity_management_mode="QUANTITY_ONLY", seat_group_key="")
                | Q(quantity_management_mode="SEAT_BASED") & ~Q(seat_group_key=""),
                name="subscription_of_seats_names_their_key",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"subscription from {self.starting_at:%Y-%m-%d}"


class SubscriptionChange(models.Model):
    """A change of a subscription's quantity or seats from `starting_at` on. Appended, never changed (trigger)."""

    id = models.BigAutoField(primary_key=True)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=17, choices=enum_choices(ChangeKind))
    starting_at = models.DateTimeField()
    quantity = ExactDecimalField(null=True)
    seat_ids = models.JSONField(default=list)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")
    added_by = models.ForeignKey(
        ContractEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="subscription_changes"
    )

    class Meta:
        # those of one instant count in the order of adding
        ordering = ["starting_at", "id"]
        constraints = [
            finite("subscription_change_finite", "quantity"),
            models.CheckConstraint(
                condition=Q(kind__in=["ADD_SEATS", "REMOVE_SEATS"], quantity__isnull=True) & ~Q(seat_ids=[])
                | Q(kind="DELTA", quantity__isnull=False, seat_ids=[])
                | Q(kind__in=["SET", "ADD_UNASSIGNED", "REMOVE_UNASSIGNED"], quantity__gte=0, seat_ids=[]),
                name="subscription_change_fits_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} from {self.starting_at:%Y-%m-%d}"


class NamedScheduleEntry(BaseNamedScheduleEntry):
    """A value of a contract's named schedules."""

    owner = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="named_schedule_entries")

    class Meta(BaseNamedScheduleEntry.Meta):
        verbose_name_plural = "named schedule entries"
