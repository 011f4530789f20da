"""What a contract agrees about charging by itself."""

from django.db import models
from django.db.models import Q

from contracts.models import Contract, ContractEdit


class ThresholdTerms(models.Model):
    """A threshold configuration or a spend tracker of a contract, as it was agreed; kept version by version.

    Of each (contract, kind, alias) the last version counts; one without terms says that it is archived. Appended, never
    changed (trigger).
    """

    class Kind(models.TextChoices):
        SPEND_THRESHOLD = "SPEND_THRESHOLD"
        PREPAID_BALANCE_THRESHOLD = "PREPAID_BALANCE_THRESHOLD"
        SPEND_TRACKER = "SPEND_TRACKER"

    id = models.BigAutoField(primary_key=True)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="threshold_terms")
    kind = models.CharField(max_length=25, choices=Kind.choices)
    # what a spend tracker is called; "" of the others
    alias = models.CharField(max_length=128, blank=True, default="")
    version = models.PositiveIntegerField()
    # as on the wire, exact JSON (core.exact_json.dumps); "": archived
    terms = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")
    added_by = models.ForeignKey(
        ContractEdit, null=True, blank=True, on_delete=models.PROTECT, related_name="threshold_terms"
    )

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "threshold terms"
        constraints = [
            models.UniqueConstraint(fields=["contract", "kind", "alias", "version"], name="threshold_version_once"),
            models.CheckConstraint(
                condition=Q(kind="SPEND_TRACKER") & ~Q(alias="") | ~Q(kind="SPEND_TRACKER") & Q(alias=""),
                name="threshold_alias_is_of_a_tracker",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="threshold_versions_count_from_one"),
        ]

    def __str__(self) -> str:
        return self.alias or self.kind.replace("_", " ").capitalize()
