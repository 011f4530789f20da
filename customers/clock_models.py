"""Clocks to try things with: outside production a customer may live on one."""

import uuid

from django.db import models
from django.db.models import F, Q


class TestClock(models.Model):
    """Stands still at `now_at` until it is told to go on to `target_at`; then what is due for its customers happens in
    order. It never goes back (trigger).
    """

    __test__ = False  # no test class, whatever its name begins with

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=160)
    # the present of its customers
    now_at = models.DateTimeField()
    # where it is going; NULL: it has arrived
    target_at = models.DateTimeField(null=True, blank=True)
    # why it does not get on: what went wrong last
    last_error = models.CharField(max_length=500, blank=True, default="")
    # of the machine's clock
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, default="")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(target_at__isnull=True) | Q(target_at__gte=F("now_at")), name="test_clock_goes_on"
            )
        ]

    def __str__(self) -> str:
        return self.name
