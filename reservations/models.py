"""What is spendable now, and the reservations that hold some of it.

`held` and `committed` of a `Spendable` follow its reservations and nothing else: a trigger counts them in the statement
that changes them, refuses any other change, and refuses to hold what is not there (reservations/sql).
"""

import uuid

from django.db import models
from django.db.models import F, Q

from catalog.models import CreditType
from core.fields import ExactDecimalField, enum_choices, finite
from customers.models import Customer
from engine.reservations import HoldStatus


class Spendable(models.Model):
    """A customer's live balance in one unit, as it was last worked out, and what reservations keep of it.

    Free: live - held - committed. `live` holds what getNetBalance says (SPEND, drafts taken off) at `as_of`, and stays
    right, but for usage, from `valid_from` until `valid_until`: where an access segment begins or ends.
    """

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    credit_type = models.ForeignKey(CreditType, on_delete=models.PROTECT, related_name="+")
    live = ExactDecimalField(default=0)
    held = ExactDecimalField(default=0)
    committed = ExactDecimalField(default=0)
    # all three NULL: never worked out
    as_of = models.DateTimeField(null=True, blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    # how often it was worked out; whoever did so from an older count comes too late
    rounds = models.BigIntegerField(default=0)
    # when somebody last undertook to work it out, because it had grown old
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "credit_type"], name="spendable_once_per_unit"),
            finite("spendable_sums_finite", "live", "held", "committed"),
            models.CheckConstraint(
                condition=Q(live__gte=0, held__gte=0, committed__gte=0), name="spendable_sums_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(rounds=0, as_of__isnull=True)
                | Q(rounds__gt=0, as_of__isnull=False, valid_from__lt=F("valid_until")),
                name="spendable_knows_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.live}"


class SpendableChange(models.Model):
    """A change of the customer's balances that `live` does not contain yet; gone once it does.

    Rows instead of a counter: whoever writes ledgers never waits for whoever reserves, nor the other way round.
    """

    id = models.BigAutoField(primary_key=True)
    spendable = models.ForeignKey(Spendable, on_delete=models.PROTECT, related_name="changes")

    def __str__(self) -> str:
        return str(self.id)


class Reservation(models.Model):
    """An amount of a customer's live balance that is kept for one call (engine.reservations)."""

    Status = HoldStatus

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    spendable = models.ForeignKey(Spendable, on_delete=models.PROTECT, related_name="reservations", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=9, choices=enum_choices(HoldStatus), default=HoldStatus.HELD.value)
    # what was asked for, and what it stands for now: less, if the call cost less
    reserved = ExactDecimalField()
    amount = ExactDecimalField()
    # of the event that settles it
    transaction_id = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - NULLs are not equal
    uniqueness_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - NULLs are not equal
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    committed_at = models.DateTimeField(null=True, blank=True)
    # until when a committed one waits for its event
    lapses_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["customer", "-created_at", "-id"], name="reservation_customer_idx"),
            models.Index(fields=["spendable", "expires_at"], condition=Q(status="HELD"), name="reservation_held_idx"),
            models.Index(fields=["lapses_at"], condition=Q(status="COMMITTED"), name="reservation_committed_idx"),
            models.Index(
                fields=["spendable", "-created_at"],
                condition=Q(status__in=["HELD", "COMMITTED"], transaction_id__isnull=False),
                name="reservation_waiting_idx",
            ),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="reservation_ended_idx"),
        ]
        constraints = [
            finite("reservation_amounts_finite", "reserved", "amount"),
            models.CheckConstraint(condition=Q(reserved__gt=0, amount__gt=0), name="reservation_amounts_positive"),
            models.CheckConstraint(condition=Q(amount__lte=F("reserved")), name="reservation_never_grows"),
            models.CheckConstraint(condition=Q(created_at__lt=F("expires_at")), name="reservation_ends_after_start"),
            models.UniqueConstraint(
                fields=["transaction_id"],
                condition=Q(transaction_id__isnull=False) & ~Q(status__in=["RELEASED", "EXPIRED"]),
                name="reservation_transaction_once",
            ),
            models.UniqueConstraint(
                fields=["uniqueness_key"],
                condition=Q(uniqueness_key__isnull=False),
                name="reservation_uniqueness_key_once",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["COMMITTED", "LAPSED"])
                | Q(transaction_id__isnull=False, committed_at__isnull=False, lapses_at__isnull=False),
                name="reservation_committed_to_an_event",
            ),
            models.CheckConstraint(
                condition=~Q(status="SETTLED") | Q(transaction_id__isnull=False), name="reservation_settled_by_an_event"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["HELD", "COMMITTED"], ended_at__isnull=True)
                | Q(ended_at__isnull=False) & ~Q(status__in=["HELD", "COMMITTED"]),
                name="reservation_knows_its_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.amount}"
