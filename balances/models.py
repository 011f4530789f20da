"""What was prepaid: commits and credits, their access segments, and the ledger. What is invoiced for them: `charges`.

A segment's sums follow the ledger and nothing else: a trigger adds each entry to them in the statement that appends it,
and refuses any other change (balances/sql).
"""

import uuid

from django.db import models
from django.db.models import F, Q

from balances.adjustment_models import Adjustment, KeyGift, LedgerCheck
from balances.threshold_models import ThresholdTerms
from catalog.models import CreditType, Product
from contracts.models import Contract, ContractEdit, Subscription
from core.fields import ExactDecimalField, enum_choices, finite
from customers.models import Customer
from engine.balances import AccessType, BalanceKind
from engine.calendar import GRANT_FREQUENCIES
from engine.overrides import RateTarget
from engine.recurring import GrantProration

DEFAULT_PRIORITY = 100

__all__ = [
    "DEFAULT_PRIORITY", "AccessType", "Adjustment", "Balance", "KeyGift", "LedgerCheck", "LedgerEntry",
    "RecurringGrant", "Segment", "Terms", "ThresholdTerms",
]  # fmt: skip


class Terms(models.Model):
    """What a commit or credit and a recurring one have in common: what it may pay, how, and in which order."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200, blank=True, default="")
    # for staff and API only; the customer never sees it
    description = models.CharField(max_length=1000, blank=True, default="")
    priority = ExactDecimalField(default=DEFAULT_PRIORITY)
    # the unit of access; amounts in its stored unit (cents for USD)
    credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    access_type = models.CharField(max_length=8, choices=enum_choices(AccessType), default=AccessType.SPEND.value)
    rate_type = models.CharField(max_length=11, choices=enum_choices(RateTarget), default=RateTarget.LIST_RATE.value)
    rollover_fraction = ExactDecimalField(null=True, blank=True)
    # all three empty: everything
    applicable_product_ids = models.JSONField(default=list, blank=True)
    applicable_product_tags = models.JSONField(default=list, blank=True)
    # as on the wire
    specifiers = models.JSONField(default=list, blank=True)
    # which children that the customer pays for may draw on it, as on the wire: {"type", "contract_ids"}; NULL: none
    child_access = models.JSONField(null=True, blank=True)
    # the unit of what is invoiced for it
    invoice_credit_type = models.ForeignKey(
        CreditType, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    netsuite_sales_order_id = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


def _fits(prefix: str) -> list[models.BaseConstraint]:
    """What holds for the terms of both tables."""
    return [
        models.CheckConstraint(
            condition=Q(rollover_fraction__isnull=True) | Q(rollover_fraction__gte=0, rollover_fraction__lte=1),
            name=f"{prefix}_rollover_is_a_fraction",
        ),
        models.CheckConstraint(
            condition=Q(specifiers=[]) | Q(applicable_product_ids=[], applicable_product_tags=[]),
            name=f"{prefix}_specifiers_stand_alone",
        ),
    ]


class RecurringGrant(Terms):
    """A recurring commit or credit of a contract: a balance for each of its periods."""

    class Kind(models.TextChoices):
        COMMIT = "COMMIT"
        CREDIT = "CREDIT"

    class Allocation(models.TextChoices):
        POOLED = "POOLED"
        INDIVIDUAL = "INDIVIDUAL"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="recurring_grants")
    # whose quantity is granted for (then `access_quantity` is 1): for all seats together, or for each assigned one
    subscription = models.ForeignKey(
        Subscription, null=True, blank=True, on_delete=models.PROTECT, related_name="recurring_grants"
    )
    allocation = models.CharField(max_length=10, choices=Allocation.choices, blank=True, default="")
    # whether seats that come inside a period bring a part only
    seat_increase_is_prorated = models.BooleanField(default=True)
    starting_at = models.DateTimeField()
    ending_before = models.DateTimeField(null=True, blank=True)
    # how many periods the access of each balance lasts
    duration = models.PositiveIntegerField(default=1)
    # "": the contract's usage invoices
    frequency = models.CharField(max_length=9, choices=enum_choices(GRANT_FREQUENCIES), blank=True, default="")
    access_unit_price = ExactDecimalField()
    access_quantity = ExactDecimalField(default=1)
    invoice_unit_price = ExactDecimalField(null=True, blank=True)
    invoice_quantity = ExactDecimalField(null=True, blank=True)
    proration = models.CharField(
        max_length=14, choices=enum_choices(GrantProration), default=GrantProration.FIRST_AND_LAST.value
    )
    # {"access": {"rounding_method", "decimal_places"}, "invoice": …} as on the wire
    proration_rounding = models.JSONField(default=dict, blank=True)
    # what held before edits, oldest first: columns by name as JSON has them, and `before`, up to when periods began so
    earlier_terms = models.JSONField(default=list, blank=True)
    # when the sweep issues the next balance; NULL where there is none left
    next_child_at = models.DateTimeField(null=True, blank=True, db_index=True)
    added_by = models.ForeignKey(
        ContractEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="added_recurring_grants"
    )

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            *_fits("recurring_grant"),
            finite(
                "recurring_grant_numbers_finite", "priority", "rollover_fraction", "access_unit_price",
                "access_quantity", "invoice_unit_price", "invoice_quantity",
            ),
            models.CheckConstraint(
                condition=Q(ending_before__isnull=True) | Q(starting_at__lt=F("ending_before")),
                name="recurring_grant_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(access_unit_price__gte=0, access_quantity__gte=0, duration__gte=1),
                name="recurring_grant_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(invoice_unit_price__isnull=True, invoice_quantity__isnull=True)
                | Q(kind="COMMIT", invoice_unit_price__gte=0, invoice_quantity__gte=0),
                name="recurring_grant_invoice_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(subscription__isnull=True, allocation="")
                | Q(subscription__isnull=False, allocation__in=["POOLED", "INDIVIDUAL"], access_quantity=1),
                name="recurring_grant_allocates_to_seats",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name or f"recurring {self.kind.lower()}"


class Balance(Terms):
    """A commit or credit, of a contract or (without one) of the customer. What is left in it is its segments' sum."""

    Kind = BalanceKind

    kind = models.CharField(max_length=8, choices=enum_choices(BalanceKind))
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="balances")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="balances")
    # customer level only; NULL: every contract
    applicable_contract_ids = models.JSONField(null=True, blank=True)
    # whose invoices it is bought on
    invoice_contract = models.ForeignKey(
        Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="invoiced_balances"
    )
    do_not_invoice = models.BooleanField(default=False)
    # what was asked for one unit of access; 0 for gifts
    cost_basis = ExactDecimalField(default=0)
    # whether spend trackers take what is paid for it as discounted; NULL: nothing was said
    counts_as_discounted = models.BooleanField(null=True, blank=True)
    true_up_disabled = models.BooleanField(default=False)
    custom_fields = models.JSONField(default=dict, blank=True)
    salesforce_opportunity_id = models.CharField(max_length=200, blank=True, default="")
    uniqueness_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - NULLs are not equal
    recurring = models.ForeignKey(
        RecurringGrant, null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    # of a balance of a recurring grant: which of its periods
    period_start = models.DateTimeField(null=True, blank=True)
    rolled_over_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="rollovers"
    )
    added_by = models.ForeignKey(
        ContractEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="added_balances"
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["customer", "-created_at", "-id"], name="balance_customer_idx"),
            models.Index(fields=["contract"], name="balance_contract_idx"),
        ]
        constraints = [
            *_fits("balance"),
            finite("balance_numbers_finite", "priority", "rollover_fraction", "cost_basis"),
            models.CheckConstraint(condition=Q(cost_basis__gte=0), name="balance_cost_not_negative"),
            models.UniqueConstraint(fields=["uniqueness_key"], name="balance_uniqueness_key_once"),
            models.UniqueConstraint(fields=["recurring", "period_start"], name="balance_child_once_per_period"),
            models.UniqueConstraint(
                fields=["rolled_over_from", "contract"], name="balance_rolled_over_once_per_contract"
            ),
            models.CheckConstraint(
                condition=Q(recurring__isnull=True, period_start__isnull=True)
                | Q(recurring__isnull=False, period_start__isnull=False),
                name="balance_child_has_its_period",
            ),
            models.CheckConstraint(
                condition=Q(applicable_contract_ids__isnull=True) | Q(contract__isnull=True),
                name="balance_of_a_contract_is_for_it",
            ),
            models.CheckConstraint(
                condition=~Q(kind="POSTPAID") | Q(invoice_contract__isnull=False), name="balance_postpaid_is_invoiced"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.kind.lower()} balance"


class Segment(models.Model):
    """A stretch of access, `[starting_at, ending_before)`, and the sums of its ledger.

    balance = granted + manual - used - expired - rolled_over - trued_up = the sum of the entries. Only manual entries
    may bring it below 0 (trigger). What has expired holds nothing: its expiry is taken back before more is booked.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Balance, on_delete=models.PROTECT, related_name="segments")
    starting_at = models.DateTimeField()
    ending_before = models.DateTimeField()
    # only usage whose property `seat_group_key` is `seat_id` may draw; "": everybody's
    seat_group_key = models.CharField(max_length=200, blank=True, default="")
    seat_id = models.CharField(max_length=200, blank=True, default="")
    # what a subscription's seats brought when it was made; later ones are SEAT_BASED_ADJUSTMENT entries. NULL: no seats
    seat_granted = ExactDecimalField(null=True, blank=True)
    granted = ExactDecimalField(default=0)
    manual = ExactDecimalField(default=0)
    used = ExactDecimalField(default=0)
    expired = ExactDecimalField(default=0)
    rolled_over = ExactDecimalField(default=0)
    trued_up = ExactDecimalField(default=0)
    balance = ExactDecimalField(default=0)
    # taken out of the schedule: its grant was taken back
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["starting_at", "id"]
        indexes = [
            models.Index(fields=["ending_before"], condition=~Q(balance=0), name="segment_to_expire_idx"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(starting_at__lt=F("ending_before")), name="segment_not_empty"),
            finite("segment_sums_finite", "granted", "manual", "used", "expired", "rolled_over", "trued_up", "balance"),
            finite("segment_seat_granted_finite", "seat_granted"),
            models.UniqueConstraint(
                fields=["owner", "seat_group_key", "seat_id"], condition=~Q(seat_id=""), name="segment_once_per_seat"
            ),
            models.CheckConstraint(
                condition=Q(seat_group_key="", seat_id="") | ~Q(seat_group_key="") & ~Q(seat_id=""),
                name="segment_names_its_seat",
            ),
            models.CheckConstraint(
                condition=Q(granted__gte=0, used__gte=0, expired__gte=0, rolled_over__gte=0, trued_up__gte=0),
                name="segment_sums_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    balance=F("granted") + F("manual") - F("used") - F("expired") - F("rolled_over") - F("trued_up")
                ),
                name="segment_adds_up",
            ),
            models.CheckConstraint(condition=Q(expired=0) | Q(balance=0), name="segment_expired_holds_nothing"),
        ]

    def __str__(self) -> str:
        return f"from {self.starting_at:%Y-%m-%d}"


class LedgerEntry(models.Model):
    """A movement of a segment's balance, `amount` being added to it. Appended, never changed (trigger)."""

    class Kind(models.TextChoices):
        SEGMENT_START = "SEGMENT_START"
        INITIAL_BALANCE = "INITIAL_BALANCE"
        AUTOMATED_INVOICE_DEDUCTION = "AUTOMATED_INVOICE_DEDUCTION"
        CANCELED = "CANCELED"
        CREDITED = "CREDITED"
        ROLLOVER = "ROLLOVER"
        EXPIRATION = "EXPIRATION"
        MANUAL = "MANUAL"
        SEAT_BASED_ADJUSTMENT = "SEAT_BASED_ADJUSTMENT"
        TRUEUP = "TRUEUP"

    id = models.BigAutoField(primary_key=True)
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=27, choices=Kind.choices)
    amount = ExactDecimalField()
    # when it counts: a deduction at the end of its invoice's period
    effective_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")
    # the invoice that drew, and its contract
    invoice_id = models.UUIDField(null=True, blank=True)
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # the deduction, true-up or expiry that is given back
    reverses = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by")
    # the customer sees it
    reason = models.CharField(max_length=500, blank=True, default="")
    uniqueness_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - NULLs are not equal

    class Meta:
        verbose_name_plural = "ledger entries"
        ordering = ["effective_at", "id"]
        indexes = [models.Index(fields=["segment", "effective_at", "id"], name="ledger_segment_idx")]
        constraints = [
            finite("ledger_amount_finite", "amount"),
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_amount_not_zero"),
            models.UniqueConstraint(
                fields=["invoice_id", "segment"],
                condition=Q(kind="AUTOMATED_INVOICE_DEDUCTION"),
                name="ledger_one_deduction_per_invoice_and_segment",
            ),
            models.UniqueConstraint(fields=["uniqueness_key"], name="ledger_uniqueness_key_once"),
            models.CheckConstraint(
                condition=~Q(kind__in=["AUTOMATED_INVOICE_DEDUCTION", "TRUEUP"])
                | Q(invoice_id__isnull=False) & (Q(amount__lt=0) | Q(kind="TRUEUP", reverses__isnull=False)),
                name="ledger_deduction_names_its_invoice",
            ),
            models.CheckConstraint(
                condition=~Q(kind="CANCELED") | Q(amount__gt=0, invoice_id__isnull=False, reverses__isnull=False),
                name="ledger_return_names_its_deduction",
            ),
            models.CheckConstraint(
                condition=~Q(kind="EXPIRATION") | Q(amount__lt=0) | Q(reverses__isnull=False),
                name="ledger_expiry_takes_away",
            ),
            models.CheckConstraint(condition=~Q(kind="MANUAL") | ~Q(reason=""), name="ledger_manual_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"
