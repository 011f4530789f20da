"""What a contract charges or takes off by date, whatever is used."""

import uuid

from django.db import models

from catalog.models import CreditType, Product
from contracts.models import Contract, ContractEdit


class Scheduled(models.Model):
    """Base: a FIXED product with a schedule, whose items are `Charge` rows with its id as `source_id`.

    `sequence` is the order of adding on the contract.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="%(class)ss")
    sequence = models.PositiveIntegerField(editable=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    # "": what the product is called at the date of each item
    name = models.CharField(max_length=200, blank=True, default="")
    credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    # as on the wire: agreed, but no invoice of ours asks for it
    do_not_invoice = models.BooleanField(default=False)
    custom_fields = models.JSONField(default=dict, blank=True)
    netsuite_sales_order_id = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")
    added_by = models.ForeignKey(
        ContractEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="added_%(class)ss"
    )
    # from then on nothing more is charged; what invoices hold stays
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["sequence"]

    def __str__(self) -> str:
        return self.name or f"{self._meta.verbose_name} {self.sequence}"


class ScheduledCharge(Scheduled):
    """An amount that is charged on each of its dates: a platform fee, a set-up, a service."""

    class Meta(Scheduled.Meta):
        constraints = [
            models.UniqueConstraint(fields=["contract", "sequence"], name="scheduled_charge_sequence_once"),
        ]


class Discount(Scheduled):
    """An amount that is taken off the invoice of each of its dates, down to nothing at most."""

    class Meta(Scheduled.Meta):
        constraints = [models.UniqueConstraint(fields=["contract", "sequence"], name="discount_sequence_once")]
