"""What is owed, and when: a dated amount with its source, before any invoice holds it.

What a charge may become, and what of it never changes, is guarded by a trigger too (charges/sql/charges_charge.sql).
"""

import uuid

from django.db import models
from django.db.models import F, Q

from catalog.models import CreditType, Product
from charges.scheduled_models import Discount, ScheduledCharge
from contracts.models import Contract
from core.fields import ExactDecimalField, finite
from customers.models import Customer
from engine.charge_states import ChargeAmount, ChargeSource, ChargeState

__all__ = ["Charge", "Discount", "ScheduledCharge"]

_UNTOUCHED = Q(invoiced_at__isnull=True, canceled_at__isnull=True)


class Charge(models.Model):
    """quantity x unit_price of a product, to be invoiced at `invoice_at`; amounts in `credit_type`'s stored unit.

    `source_id` is the row that it comes from, in the app that `source` belongs to: of a commit's charges, the commit.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # who consumes
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="charges")
    # whose invoices ask for it; NULL where none does
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="charges")
    source = models.CharField(max_length=40, choices=[(one.value, one.value) for one in ChargeSource])
    source_id = models.UUIDField()
    # its number in the schedule of its source, from 1, never used again
    ordinal = models.PositiveIntegerField()
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    # "": what the product is called at `invoice_at`
    name = models.CharField(max_length=200, blank=True, default="")
    unit_price = ExactDecimalField()
    quantity = ExactDecimalField(default=1)
    amount_type = models.CharField(
        max_length=7, choices=[(one.value, one.value) for one in ChargeAmount], default=ChargeAmount.FIXED.value
    )
    # NULL: a SETTLED one that no final invoice holds
    amount = ExactDecimalField(null=True, blank=True)
    # what its final invoice asks for it, whole, as one of several instalments; NULL: it is rounded with the others
    invoiced_amount = ExactDecimalField(null=True, blank=True)
    credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    # the time that is paid for, `[start, end)`; NULL where it is for no time
    service_start = models.DateTimeField(null=True, blank=True)
    service_end = models.DateTimeField(null=True, blank=True)
    # the date of the invoice that is to hold it
    invoice_at = models.DateTimeField()
    state = models.CharField(
        max_length=8, choices=[(one.value, one.value) for one in ChargeState], default=ChargeState.PENDING.value
    )
    created_at = models.DateTimeField()
    # when it stood on a final invoice last
    invoiced_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["invoice_at", "id"]
        indexes = [
            models.Index(fields=["contract", "invoice_at"], condition=Q(state="PENDING"), name="charge_pending_idx"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source_id", "source", "ordinal"], name="charge_once_per_schedule_item"),
            finite("charge_numbers_finite", "unit_price", "quantity", "amount", "invoiced_amount"),
            models.CheckConstraint(condition=Q(unit_price__gte=0, quantity__gte=0), name="charge_not_negative"),
            models.CheckConstraint(condition=~Q(source="") & Q(ordinal__gte=1), name="charge_names_its_source"),
            models.CheckConstraint(
                condition=Q(amount_type="FIXED", amount__isnull=False, amount=F("unit_price") * F("quantity"))
                | Q(amount_type="SETTLED", amount__isnull=True) & ~Q(state="INVOICED")
                | Q(amount_type="SETTLED", amount__isnull=False, amount__gte=0, state="INVOICED"),
                name="charge_amount_is_known_when_it_is_due",
            ),
            models.CheckConstraint(
                condition=Q(invoiced_amount__isnull=True)
                | Q(invoiced_amount__gte=0, amount_type="FIXED", state="INVOICED"),
                name="charge_is_asked_for_on_a_final_invoice",
            ),
            models.CheckConstraint(
                condition=Q(service_start__isnull=True, service_end__isnull=True)
                | Q(service_start__isnull=False, service_end__isnull=False, service_start__lt=F("service_end")),
                name="charge_service_period_not_empty",
            ),
            models.CheckConstraint(
                condition=Q(state="PENDING", contract__isnull=False) & _UNTOUCHED
                | Q(state="WAIVED") & _UNTOUCHED
                | Q(state="CANCELED", canceled_at__isnull=False, invoiced_at__isnull=True)
                | Q(
                    state__in=["INVOICED", "VOIDED"], contract__isnull=False, invoiced_at__isnull=False,
                    canceled_at__isnull=True,
                ),
                name="charge_has_what_its_state_needs",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.unit_price} x {self.quantity}"
