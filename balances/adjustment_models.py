"""What people do to balances, one deciding on another's request, and what the reconciler has found.

Models of this app like those in `models.py`, which takes them in.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Abs

from core.fields import ExactDecimalField, finite
from core.links import link_or_empty
from engine.limits import Approval

USD = uuid.UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")


APPROVAL_REASONS = {
    Approval.NONE.value: "within the limit",
    Approval.NO_WORTH.value: "what it is worth is not known",
    Approval.AMOUNT.value: "above the limit",
    Approval.MAKER_SUM.value: "above the limit with what the same person posted within 24 hours",
    Approval.KEY_SUM.value: "above the limit with what the same API key posted within 24 hours",
    Approval.CUSTOMER_SUM.value: "above the limit with what this customer got within 24 hours",
}
"""Why a second person decides."""


class Adjustment(models.Model):
    """An entry in a segment's ledger, or a new credit, that somebody on staff asks for, in person or by an API key.

    What was asked never changes, and a decision is made once (sql/balances_adjustment.sql). Nobody decides on their
    own.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING", "Waits"
        POSTED = "POSTED", "Posted"
        REJECTED = "REJECTED", "Rejected"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    class ReasonCode(models.TextChoices):
        GOODWILL = "GOODWILL", "Goodwill"
        SERVICE_CREDIT = "SERVICE_CREDIT", "Service credit (SLA)"
        BILLING_ERROR = "BILLING_ERROR", "Billing error"
        PROMOTION = "PROMOTION", "Promotion"
        MIGRATION = "MIGRATION", "Migration"
        OTHER = "OTHER", "Other"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="adjustments")
    # an entry in this segment's ledger, or …
    segment = models.ForeignKey(
        "balances.Segment", null=True, blank=True, on_delete=models.PROTECT, related_name="adjustments"
    )
    # … a new credit over [access_from, access_until)
    product = models.ForeignKey("catalog.Product", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    credit_name = models.CharField(max_length=200, blank=True, default="")
    access_from = models.DateTimeField(null=True, blank=True)
    access_until = models.DateTimeField(null=True, blank=True)
    # what the credit may pay: empty is everything; and whose: NULL is every contract's
    applicable_product_ids = models.JSONField(default=list, blank=True)
    applicable_product_tags = models.JSONField(default=list, blank=True)
    contract = models.ForeignKey(
        "contracts.Contract", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    priority = ExactDecimalField(default=100)
    # signed, in the stored unit (cents for USD)
    amount = ExactDecimalField()
    # of an entry through an API key, as it was asked for: when it counts in the ledger (NULL: from the segment's
    # start), what each seat gets instead of the segment ({seat id: amount as text}, summing to `amount`), its key
    entry_at = models.DateTimeField(null=True, blank=True)
    seat_amounts = models.JSONField(null=True, blank=True)
    uniqueness_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - NULLs are not equal
    credit_type = models.ForeignKey("catalog.CreditType", on_delete=models.PROTECT, related_name="+")
    # what limits measure, in USD cents, as known when it was asked for; worth NULL where nobody knows
    worth = ExactDecimalField(null=True, blank=True)
    limit_worth = ExactDecimalField()
    by_maker = ExactDecimalField()
    for_customer = ExactDecimalField()
    # of the API key; its limit is NULL without one
    key_limit = ExactDecimalField(null=True, blank=True)
    by_key = ExactDecimalField(default=0)
    approval = models.CharField(max_length=12, choices=list(APPROVAL_REASONS.items()), blank=True, default="")
    reason_code = models.CharField(max_length=14, choices=ReasonCode.choices)
    # the customer sees it in the ledger
    public_reason = models.CharField(max_length=500)
    note = models.CharField(max_length=2000, blank=True, default="")
    ticket_url = models.URLField(max_length=500, blank=True, default="")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    # NULL: through a key that no person made
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    api_key = models.ForeignKey("core.ApiKey", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    # NULL: no second person was needed, or nobody decided in time
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.CharField(max_length=1000, blank=True, default="")
    # what it made
    entry = models.OneToOneField(
        "balances.LedgerEntry", null=True, blank=True, on_delete=models.PROTECT, related_name="adjustment"
    )
    # ids of the entries of seats, of which `entry` is the first
    seat_entries = models.JSONField(null=True, blank=True)
    credit = models.OneToOneField(
        "balances.Balance", null=True, blank=True, on_delete=models.PROTECT, related_name="granted_by"
    )

    class Meta:
        ordering = ["-made_at", "-id"]
        indexes = [
            models.Index(fields=["-made_at", "-id"], name="adjustment_newest_idx"),
            models.Index(fields=["made_at"], condition=Q(status="PENDING"), name="adjustment_waiting_idx"),
            models.Index(
                fields=["made_by", "made_at"], condition=Q(status="POSTED", approval=""), name="adjustment_maker_idx"
            ),
            models.Index(
                fields=["customer", "made_at"], condition=Q(status="POSTED", approval=""), name="adjustment_sum_idx"
            ),
            models.Index(
                fields=["api_key", "made_at"], condition=Q(status="POSTED", approval=""), name="adjustment_key_idx"
            ),
        ]
        constraints = [
            finite(
                "adjustment_numbers_finite", "amount", "worth", "limit_worth", "by_maker", "for_customer", "priority",
                "key_limit", "by_key",
            ),
            models.CheckConstraint(
                condition=~Q(amount=0) | Q(seat_amounts__isnull=False), name="adjustment_amount_not_zero"
            ),
            models.CheckConstraint(
                condition=Q(made_by__isnull=False) | Q(api_key__isnull=False), name="adjustment_has_a_maker"
            ),
            models.CheckConstraint(
                condition=Q(api_key__isnull=True, key_limit__isnull=True, by_key=0)
                | Q(api_key__isnull=False, key_limit__isnull=False),
                name="adjustment_through_a_key_has_its_limit",
            ),
            models.CheckConstraint(
                condition=Q(api_key__isnull=False, segment__isnull=False)
                | Q(entry_at__isnull=True, seat_amounts__isnull=True, uniqueness_key__isnull=True),
                name="adjustment_terms_of_an_api_entry",
            ),
            models.CheckConstraint(
                condition=Q(seat_amounts__isnull=False) & (Q(entry__isnull=True) | Q(seat_entries__isnull=False))
                | Q(seat_amounts__isnull=True, seat_entries__isnull=True),
                name="adjustment_of_seats_has_its_entries",
            ),
            models.UniqueConstraint(
                fields=["uniqueness_key"], condition=Q(status__in=["PENDING", "POSTED"]),
                name="adjustment_uniqueness_key_once",
            ),
            models.CheckConstraint(
                condition=Q(worth__isnull=True) | Q(worth__gte=0), name="adjustment_worth_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(credit_type=USD)
                | Q(worth__isnull=True)
                | Q(worth=Abs(F("amount")))
                | Q(seat_amounts__isnull=False),
                name="adjustment_dollars_are_worth_themselves",
            ),
            models.CheckConstraint(
                condition=Q(segment__isnull=False, product__isnull=True, access_from__isnull=True)
                | Q(
                    segment__isnull=True, product__isnull=False, amount__gt=0, access_from__isnull=False,
                    access_until__gt=F("access_from"),
                ),
                name="adjustment_is_an_entry_or_a_credit",
            ),
            models.CheckConstraint(
                condition=Q(segment__isnull=True)
                | Q(applicable_product_ids=[], applicable_product_tags=[], contract__isnull=True)
                | Q(applicable_product_ids=[], applicable_product_tags=[], api_key__isnull=False),
                name="adjustment_scope_is_of_a_credit",
            ),
            models.CheckConstraint(
                condition=~Q(approval="")
                | Q(
                    worth__isnull=False,
                    worth__lte=F("limit_worth") - F("by_maker"),
                    limit_worth__gte=F("worth") + F("for_customer"),
                )
                & (
                    Q(key_limit__isnull=True)
                    | Q(key_limit__gte=F("worth") + F("by_key")) & Q(key_limit__gte=F("worth") + F("for_customer"))
                ),
                name="adjustment_alone_only_within_the_limit",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "WITHDRAWN"])
                | Q(status="POSTED", approval="", decided_by__isnull=True)
                | Q(decided_by__isnull=False) & ~Q(decided_by=F("made_by")),
                name="adjustment_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(status="PENDING", decided_at__isnull=True, decided_by__isnull=True)
                | ~Q(status="PENDING") & Q(decided_at__isnull=False),
                name="adjustment_decision_is_dated",
            ),
            models.CheckConstraint(
                condition=Q(status="POSTED", segment__isnull=False, entry__isnull=False, credit__isnull=True)
                | Q(status="POSTED", segment__isnull=True, entry__isnull=True, credit__isnull=False)
                | ~Q(status="POSTED") & Q(entry__isnull=True, credit__isnull=True),
                name="adjustment_posted_has_its_effect",
            ),
            models.CheckConstraint(condition=~Q(public_reason=""), name="adjustment_says_why"),
            link_or_empty("adjustment_ticket_is_a_link", "ticket_url"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.public_reason


class KeyGift(models.Model):
    """Prepaid money that an API key with a limit gave away by a new or changed credit or commit: posted alone, counting
    for the sums of a day as adjustments do. Only added to (sql/balances_keygift.sql).
    """

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    api_key = models.ForeignKey("core.ApiKey", on_delete=models.PROTECT, related_name="+")
    # whoever made the key; NULL: no person did
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()
    # the credit or commit, or the recurring one
    source_id = models.UUIDField()
    # USD cents; the limits are those of the maker and of the key
    worth = ExactDecimalField()
    limit_worth = ExactDecimalField()
    key_limit = ExactDecimalField()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer", "made_at"], name="key_gift_customer_idx"),
            models.Index(fields=["api_key", "made_at"], name="key_gift_key_idx"),
            models.Index(fields=["made_by", "made_at"], name="key_gift_maker_idx"),
        ]
        constraints = [
            finite("key_gift_numbers_finite", "worth", "limit_worth", "key_limit"),
            models.CheckConstraint(
                condition=Q(worth__gt=0, worth__lte=F("limit_worth")) & Q(worth__lte=F("key_limit")),
                name="key_gift_only_within_the_limit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.worth} by {self.api_key_id}"


class LedgerCheck(models.Model):
    """One run of the reconciler over all ledgers: how many segments it added up, and those that differ."""

    id = models.BigAutoField(primary_key=True)
    checked_at = models.DateTimeField(db_index=True)
    segments = models.PositiveBigIntegerField()
    # [{"segment_id", "balance_id", "words"}], the first hundred
    differing = models.JSONField(default=list, blank=True)
    differing_count = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.checked_at:%Y-%m-%d %H:%M}"
