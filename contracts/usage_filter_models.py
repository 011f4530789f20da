"""Which usage of its customer a contract bills, where it does not bill all."""

from django.db import models
from django.db.models import Q


class UsageFilter(models.Model):
    """From `starting_at` on, only events count whose property `group_key` is one of `group_values`; until the next one.

    Before the first filter all usage counts.
    """

    id = models.BigAutoField(primary_key=True)
    contract = models.ForeignKey("contracts.Contract", on_delete=models.PROTECT, related_name="usage_filters")
    group_key = models.CharField(max_length=200)
    group_values = models.JSONField()
    starting_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")

    class Meta:
        ordering = ["starting_at"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "starting_at"], name="usage_filter_once_at_a_time"),
            models.CheckConstraint(condition=~Q(group_key="") & ~Q(group_values=[]), name="usage_filter_says_what"),
        ]

    def __str__(self) -> str:
        return f"{self.group_key} in {', '.join(self.group_values)}"
