"""What was agreed."""

import uuid

from django.db import models
from django.db.models import F, Q

from catalog.models import RateCard
from customers.models import Customer


class Contract(models.Model):
    """Terms between the seller and a customer over `[starting_at, ending_before)`.

    There is no status: active means that the present lies inside and it is not archived.
    """

    class Frequency(models.TextChoices):
        WEEKLY = "WEEKLY"
        MONTHLY = "MONTHLY"
        QUARTERLY = "QUARTERLY"
        ANNUAL = "ANNUAL"

    class Day(models.TextChoices):
        FIRST_OF_MONTH = "FIRST_OF_MONTH"
        CONTRACT_START = "CONTRACT_START"
        CUSTOM_DATE = "CUSTOM_DATE"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contracts")
    rate_card = models.ForeignKey(RateCard, null=True, blank=True, on_delete=models.PROTECT, related_name="contracts")
    name = models.CharField(max_length=200, blank=True, default="")
    starting_at = models.DateTimeField()
    ending_before = models.DateTimeField(null=True, blank=True)
    billing_frequency = models.CharField(max_length=10, choices=Frequency.choices, default=Frequency.MONTHLY)
    billing_day = models.CharField(max_length=16, choices=Day.choices, default=Day.FIRST_OF_MONTH)
    # resolved from the day at creation (midnight UTC, or the hour of a CONTRACT_START); periods are counted from it
    billing_anchor_at = models.DateTimeField()
    invoice_generation_starting_at = models.DateTimeField(null=True, blank=True)
    net_payment_terms_days = models.PositiveIntegerField(default=0)
    uniqueness_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - NULLs are not equal
    custom_fields = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, default="")
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["customer", "starting_at"], name="contract_customer_idx")]
        constraints = [
            models.UniqueConstraint(fields=["uniqueness_key"], name="contract_uniqueness_key_once"),
            models.CheckConstraint(
                condition=Q(ending_before__isnull=True) | Q(starting_at__lt=F("ending_before")),
                name="contract_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"Contract from {self.starting_at:%d %b %Y}"
