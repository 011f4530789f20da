"""What is to happen when a contract's term ends, and what did."""

import uuid

from django.db import models
from django.db.models import Q

from core.fields import ExactDecimalField, enum_choices, finite
from engine.renewals import PriceList, RenewalKind


class RenewalPolicy(models.Model):
    """What is to happen at the end of a contract's term.

    `agreed_end`: the end that it was made for, which it follows to later dates; a contract that ends before it is not
    renewed. NULL while the contract has no end.
    """

    class State(models.TextChoices):
        ACTIVE = "ACTIVE"
        WITHDRAWN = "WITHDRAWN"
        DECIDED = "DECIDED"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    contract = models.OneToOneField("contracts.Contract", on_delete=models.PROTECT, related_name="renewal_policy")
    kind = models.CharField(max_length=11, choices=enum_choices(RenewalKind))
    # of the next term; NULL with NOTIFY_ONLY, which makes none
    term_months = models.PositiveIntegerField(null=True, blank=True)
    # what terms are counted from, over all renewals
    anchor_at = models.DateTimeField()
    uplift_percent = ExactDecimalField(default=0)
    price_list = models.CharField(max_length=10, choices=enum_choices(PriceList), default=PriceList.CONTRACT.value)
    # how many days before the end `contract.renewal_coming` is published; 0: never
    notice_days = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=9, choices=State.choices, default=State.ACTIVE)
    agreed_end = models.DateTimeField(null=True, blank=True)
    noticed_at = models.DateTimeField(null=True, blank=True)
    # when the sweep looks at it next; NULL: never
    next_at = models.DateTimeField(null=True, blank=True, db_index=True)
    # how often in a row it failed, and why the last time
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")

    class Meta:
        ordering = ["agreed_end", "id"]
        constraints = [
            finite("renewal_policy_uplift_finite", "uplift_percent"),
            models.CheckConstraint(condition=Q(uplift_percent__gte=-100), name="renewal_policy_price_not_negative"),
            models.CheckConstraint(
                condition=Q(kind="SAME_TERMS", term_months__gte=1) | Q(kind="NOTIFY_ONLY", term_months__isnull=True),
                name="renewal_policy_has_a_term_where_it_renews",
            ),
            models.CheckConstraint(
                condition=~Q(state="DECIDED") | Q(next_at__isnull=True), name="renewal_policy_decided_is_at_rest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.agreed_end:%Y-%m-%d}" if self.agreed_end else self.kind


class RenewalDecision(models.Model):
    """What was decided at the end of a contract's term, and why: once, never changed (trigger)."""

    class Outcome(models.TextChoices):
        RENEWED = "RENEWED"
        NOTIFIED = "NOTIFIED"
        SKIPPED = "SKIPPED"

    class Reason(models.TextChoices):
        POLICY = "POLICY"
        WITHDRAWN = "WITHDRAWN"
        ENDED_EARLIER = "ENDED_EARLIER"
        CONTRACT_ARCHIVED = "CONTRACT_ARCHIVED"
        CUSTOMER_ARCHIVED = "CUSTOMER_ARCHIVED"
        RENEWED_BY_HAND = "RENEWED_BY_HAND"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    contract = models.ForeignKey("contracts.Contract", on_delete=models.PROTECT, related_name="renewal_decisions")
    term_end = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    reason = models.CharField(max_length=17, choices=Reason.choices)
    new_contract = models.OneToOneField(
        "contracts.Contract", null=True, blank=True, on_delete=models.PROTECT, related_name="made_by_renewal"
    )
    # the policy as it was then
    policy = models.JSONField(default=dict)
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["term_end", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "term_end"], name="renewal_decided_once_per_term"),
            models.CheckConstraint(
                condition=Q(outcome="RENEWED", new_contract__isnull=False, reason="POLICY")
                | Q(outcome="NOTIFIED", new_contract__isnull=True, reason="POLICY")
                | Q(outcome="SKIPPED", new_contract__isnull=True) & ~Q(reason="POLICY"),
                name="renewal_decision_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.term_end:%Y-%m-%d}"
