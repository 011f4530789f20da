"""What is accruing: a contract's billing periods. A document is made of a period when it closes (invoices.Invoice)."""

import uuid

from django.db import models
from django.db.models import F, Q

from catalog.models import CreditType
from charges.models import Charge
from contracts.models import Contract, Subscription
from core.fields import ExactDecimalField, enum_choices, finite
from customers.models import Customer
from engine.invoice_states import InvoiceType, PeriodState


class BillingPeriod(models.Model):
    """What accrues towards one bill. It has no lines: they are computed whenever it is read, and once when it closes.

    OPEN: accruing, a draft to clients. CLOSED: billed by the document that carries the same id. A period whose
    document was voided (`voided_at`) may be billed anew, once, by another that names it as `reopened_from`.
    """

    Type = InvoiceType
    State = PeriodState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # whose usage it bills
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="billing_periods")
    # who pays: contracts.selectors.payer_of when it opened; drawdown and locks go by this account
    payer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="billing_periods")
    credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=10, choices=enum_choices(InvoiceType), default=Type.USAGE)
    state = models.CharField(max_length=10, choices=enum_choices(PeriodState), default=State.OPEN)
    # a SCHEDULED one has no period: both are the date of its charges
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    # when it closes: period end + grace
    due_at = models.DateTimeField()
    # when a sweep looks at it next: `due_at`, or later after a failed attempt (`last_error` says why)
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True, default="")
    # the last computed total of an open one and when, for staff lists only; API and console compute it afresh
    draft_total = ExactDecimalField(null=True)
    draft_total_at = models.DateTimeField(null=True)
    net_payment_terms_days = models.PositiveIntegerField(default=0)
    # the seller's notes on the invoice, draft or final; no part of what it says
    custom_fields = models.JSONField(default=dict, blank=True)
    reopened_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reopenings"
    )
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-period_start", "-id"]
        indexes = [
            models.Index(fields=["customer", "-period_start", "-id"], name="billing_customer_idx"),
            models.Index(fields=["payer", "period_end"], condition=Q(state="OPEN"), name="billing_open_idx"),
            models.Index(fields=["contract", "period_end"], name="billing_contract_idx"),
            models.Index(fields=["next_attempt_at", "period_end"], condition=Q(state="OPEN"), name="billing_due_idx"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "period_start"],
                condition=Q(type="USAGE", voided_at__isnull=True),
                name="billing_period_once",
            ),
            models.UniqueConstraint(
                fields=["contract", "period_start", "credit_type"],
                condition=Q(type="SCHEDULED", state="OPEN", reopened_from__isnull=True),
                name="billing_scheduled_once_per_date",
            ),
            models.UniqueConstraint(
                fields=["reopened_from"], condition=Q(voided_at__isnull=True), name="billing_period_reopened_once"
            ),
            models.CheckConstraint(
                condition=Q(type="USAGE", period_start__lt=F("period_end"))
                | Q(type="SCHEDULED", period_start=F("period_end")),
                name="billing_period_not_empty",
            ),
            models.CheckConstraint(
                condition=Q(state="OPEN", closed_at__isnull=True, voided_at__isnull=True)
                | Q(state="CLOSED", closed_at__isnull=False),
                name="billing_period_closed_at",
            ),
            finite("billing_period_total_finite", "draft_total"),
        ]

    def __str__(self) -> str:
        return f"Draft {self.period_start:%b %Y}"

    @property
    def is_stored(self) -> bool:
        """Not so for one that is about to be opened, which only a preview knows."""
        return not self._state.adding


class BillingCursor(models.Model):
    """When a contract's next billing period begins and must be opened; NULL when there is none left."""

    contract = models.OneToOneField(Contract, primary_key=True, on_delete=models.PROTECT, related_name="billing_cursor")
    next_period_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"next period of {self.contract_id}"


class BilledSubscription(models.Model):
    """A subscription's charge that a closed period holds: how many units for the time from `starting_at` on.

    Written when the period closes. It stands unless the period was billed anew (`superseded`). `ordinal` numbers, from
    1, the charges for one time; there are several only where increases are billed immediately (trigger).
    """

    id = models.BigAutoField(primary_key=True)
    period = models.ForeignKey(BillingPeriod, on_delete=models.PROTECT, related_name="billed_subscriptions")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="billed")
    starting_at = models.DateTimeField()
    ordinal = models.PositiveIntegerField(default=1)
    ending_before = models.DateTimeField()
    quantity = ExactDecimalField()
    superseded = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "starting_at", "ordinal"],
                condition=Q(superseded=False),
                name="subscription_charged_once",
            ),
            models.UniqueConstraint(
                fields=["period", "subscription", "starting_at"], name="billed_subscription_once_per_period"
            ),
            models.CheckConstraint(
                condition=Q(starting_at__lt=F("ending_before")), name="billed_subscription_not_empty"
            ),
            models.CheckConstraint(condition=Q(ordinal__gte=1), name="billed_subscription_counts_from_one"),
            finite("billed_subscription_finite", "quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} from {self.starting_at:%Y-%m-%d}"


class BilledCharge(models.Model):
    """A charge on the period that holds it, open or closed.

    A charge that goes on from a voided period to the one reopened in its place leaves its row there, with `moved_at`.
    """

    id = models.BigAutoField(primary_key=True)
    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="billed", db_index=False)
    period = models.ForeignKey(BillingPeriod, on_delete=models.PROTECT, related_name="billed_charges")
    # when a reopened period took it over; NULL: it stands here
    moved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["charge"], condition=Q(moved_at__isnull=True), name="charge_on_one_invoice"
            ),
            models.UniqueConstraint(fields=["charge", "period"], name="charge_once_on_an_invoice"),
        ]

    def __str__(self) -> str:
        return f"{self.charge_id} on {self.period_id}"
