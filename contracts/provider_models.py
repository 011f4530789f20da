"""Where a contract's invoices go, and since when."""

from django.db import models

from customers.models import ProviderConfiguration


class ContractProvider(models.Model):
    """From `effective_at` on the contract's charges go to this configuration, until the next one of its kind.

    Added by creating the contract or by an edit; never changed.
    """

    id = models.BigAutoField(primary_key=True)
    contract = models.ForeignKey("contracts.Contract", on_delete=models.PROTECT, related_name="providers")
    kind = models.CharField(max_length=16, choices=ProviderConfiguration.Kind.choices)
    configuration = models.ForeignKey(ProviderConfiguration, on_delete=models.PROTECT, related_name="+")
    effective_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, blank=True, default="")
    added_by = models.ForeignKey(
        "contracts.ContractEdit", null=True, blank=True, on_delete=models.PROTECT, related_name="added_providers"
    )

    class Meta:
        ordering = ["effective_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "kind", "effective_at"], name="contract_provider_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} from {self.effective_at:%Y-%m-%d}"
