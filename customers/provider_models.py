"""How a customer's invoices are to be delivered and paid: kept, shown and referred to by contracts."""

import uuid

from django.db import models
from django.db.models import Q


class DeliveryMethod(models.Model):
    """A way to a billing provider, set up once for the account: directly, or through a queue."""

    class Provider(models.TextChoices):
        AWS_MARKETPLACE = "aws_marketplace"
        STRIPE = "stripe"
        NETSUITE = "netsuite"
        CUSTOM = "custom"
        AZURE_MARKETPLACE = "azure_marketplace"
        QUICKBOOKS_ONLINE = "quickbooks_online"
        WORKDAY = "workday"
        GCP_MARKETPLACE = "gcp_marketplace"
        METRONOME = "metronome"

    class Method(models.TextChoices):
        DIRECT = "direct_to_billing_provider"
        AWS_SQS = "aws_sqs"
        TACKLE = "tackle"
        AWS_SNS = "aws_sns"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    billing_provider = models.CharField(max_length=20, choices=Provider.choices)
    delivery_method = models.CharField(max_length=30, choices=Method.choices)
    # as on the wire
    configuration = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["billing_provider"],
                condition=Q(delivery_method="direct_to_billing_provider"),
                name="delivery_method_direct_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_billing_provider_display()}, {self.delivery_method}"


class ProviderConfiguration(models.Model):
    """A customer at a billing provider, or at a system for revenue recognition. Archived for good."""

    class Kind(models.TextChoices):
        BILLING_PROVIDER = "BILLING_PROVIDER"
        REVENUE_SYSTEM = "REVENUE_SYSTEM"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="provider_configurations")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.BILLING_PROVIDER)
    delivery = models.ForeignKey(DeliveryMethod, on_delete=models.PROTECT, related_name="+")
    # as on the wire: of Stripe, {"stripe_customer_id", "stripe_collection_method", …}
    configuration = models.JSONField(default=dict, blank=True)
    tax_provider = models.CharField(max_length=10, blank=True, default="")
    created_at = models.DateTimeField()
    # its place among those that were set at once
    ordinal = models.PositiveSmallIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "ordinal", "id"]
        indexes = [models.Index(fields=["customer", "kind"], name="provider_config_customer_idx")]

    def __str__(self) -> str:
        return str(self.delivery)
