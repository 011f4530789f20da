"""What was offered for a change of plan, and what was credited for it."""

import uuid

from django.db import models
from django.db.models import F, Q

from balances.models import Balance
from catalog.models import CreditType
from catalog.package_models import Package
from contracts.models import Contract, Subscription
from core.fields import ExactDecimalField, enum_choices, finite
from engine.plan_changes import Direction, Operation, Quantities, Unused, When


class PlanQuote(models.Model):
    """What a change of plan would cost, in `credit_type`'s stored unit: confirmed in time, it costs exactly that.

    Only its confirmation is written later, once (trigger).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="plan_quotes")
    operation = models.CharField(max_length=6, choices=enum_choices(Operation))
    # of a CHANGE: by what both plans cost a month
    direction = models.CharField(max_length=4, choices=enum_choices(Direction), blank=True, default="")
    package = models.ForeignKey(Package, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # as it was asked for; "": by direction
    asked_when = models.CharField(max_length=10, choices=enum_choices(When), blank=True, default="")
    # KEEP: subscriptions of products that the old plan has begin with its quantities and seats
    quantities = models.CharField(max_length=7, choices=enum_choices(Quantities), default=Quantities.PACKAGE.value)
    unused = models.CharField(max_length=7, choices=enum_choices(Unused))
    effective_at = models.DateTimeField()
    credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    # what is credited of the time that was paid for in advance, at the price that was charged
    old_unused = ExactDecimalField()
    # what the new plan asks for the rest, or for its first period
    new_rest = ExactDecimalField()
    due_now = ExactDecimalField()
    # the invoice after that: its date, and what it comes to as things are
    next_at = models.DateTimeField(null=True, blank=True)
    next_amount = ExactDecimalField(null=True, blank=True)
    # where the contract ended before
    previous_end = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    new_contract = models.OneToOneField(
        Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="made_by_plan_change"
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            finite("plan_quote_finite", "old_unused", "new_rest", "due_now", "next_amount"),
            models.CheckConstraint(
                condition=Q(old_unused__gte=0, new_rest__gte=0, due_now__gte=0), name="plan_quote_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(operation="CHANGE", package__isnull=False) & ~Q(direction="")
                | Q(operation="CANCEL", package__isnull=True, direction="", new_contract__isnull=True),
                name="plan_quote_says_to_what",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, new_contract__isnull=True)
                | Q(confirmed_at__lte=F("expires_at")) & (Q(operation="CANCEL") | Q(new_contract__isnull=False)),
                name="plan_quote_is_confirmed_in_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} at {self.effective_at:%Y-%m-%d %H:%M}"


class UnusedCredit(models.Model):
    """What was credited of a subscription's charge whose time was cut: once for each charge, never changed (trigger).

    `charged`: what its final invoice asked; `amount` of that is credited. A charge is known as in billing: by its
    subscription and the start of its time on an invoice.
    """

    id = models.BigAutoField(primary_key=True)
    quote = models.ForeignKey(PlanQuote, on_delete=models.PROTECT, related_name="credits")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    # the invoice line's
    line_id = models.UUIDField()
    charged = ExactDecimalField()
    amount = ExactDecimalField()
    balance = models.ForeignKey(Balance, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            finite("unused_credit_finite", "charged", "amount"),
            models.UniqueConstraint(fields=["line_id"], name="unused_credit_once_per_charge"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lte=F("charged")), name="unused_credit_within_what_was_charged"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.charged}"
