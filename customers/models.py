"""Who pays."""

import uuid

from django.db import models
from django.db.models import Q

from core.named_schedules import NamedScheduleEntry as BaseNamedScheduleEntry
from customers.clock_models import TestClock
from customers.provider_models import DeliveryMethod, ProviderConfiguration

__all__ = [
    "Customer",
    "DeliveryMethod",
    "IngestAlias",
    "NamedScheduleEntry",
    "ProviderConfiguration",
    "TestClock",
]


class Customer(models.Model):
    """An account that is billed. Archiving is for good; its aliases stay taken."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=160)
    salesforce_account_id = models.CharField(max_length=128, blank=True, default="")
    custom_fields = models.JSONField(default=dict, blank=True)
    # who it is on paper (customers.parties): only what is known stands there
    party = models.JSONField(default=dict, blank=True)
    # whether invoices are left as drafts at Stripe; NULL: not said
    leave_stripe_invoices_in_draft = models.BooleanField(null=True, blank=True)
    # whose time it lives in, for life (trigger); NULL: everybody's
    test_clock = models.ForeignKey(TestClock, null=True, blank=True, on_delete=models.PROTECT, related_name="customers")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="customer_page_idx")]

    def __str__(self) -> str:
        return self.name


class IngestAlias(models.Model):
    """A name under which a customer's events may arrive.

    Unique across active and archived customers: late events of one never become another's.
    """

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="aliases")
    alias = models.CharField(max_length=128)
    position = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "ingest aliases"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["alias"], name="ingest_alias_once"),
            models.CheckConstraint(condition=~Q(alias=""), name="ingest_alias_not_empty"),
        ]

    def __str__(self) -> str:
        return self.alias


class NamedScheduleEntry(BaseNamedScheduleEntry):
    """A value of a customer's named schedules."""

    owner = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="named_schedule_entries")

    class Meta(BaseNamedScheduleEntry.Meta):
        verbose_name_plural = "named schedule entries"
