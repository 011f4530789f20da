"""A contract's trial: its columns, on the contract itself, since whoever bills it asks for them each time."""

from django.db import models
from django.db.models import F, Q

from core.fields import enum_choices
from engine.trials import TrialOutcome, TrialUsage, WithoutPaymentMethod


class TrialTerms(models.Model):
    """The trial that a contract begins with, if any (docs/algorithms/trials.md).

    It is over at `trial_ending_before`, which moves only while it runs; then `trial_outcome` is decided.
    """

    # the original start, of the first trial where one contract followed another; NULL: no trial
    trial_starting_at = models.DateTimeField(null=True, blank=True)
    trial_ending_before = models.DateTimeField(null=True, blank=True)
    trial_usage = models.CharField(max_length=6, choices=enum_choices(TrialUsage), blank=True, default="")
    trial_without_payment_method = models.CharField(
        max_length=8, choices=enum_choices(WithoutPaymentMethod), blank=True, default=""
    )
    # "" until it is decided
    trial_outcome = models.CharField(max_length=9, choices=enum_choices(TrialOutcome), blank=True, default="")

    class Meta:
        abstract = True


TRIAL_INDEX = models.Index(
    fields=["trial_ending_before"],
    condition=Q(trial_outcome__in=["", TrialOutcome.HELD.value], trial_starting_at__isnull=False),
    name="contract_trial_undecided_idx",
)
TRIAL_CONSTRAINTS = [
    models.CheckConstraint(
        condition=Q(
            trial_starting_at__isnull=True, trial_ending_before__isnull=True, trial_usage="",
            trial_without_payment_method="", trial_outcome="",
        )
        | Q(trial_starting_at__isnull=False, trial_ending_before__isnull=False)
        & ~Q(trial_usage="") & ~Q(trial_without_payment_method=""),
        name="contract_trial_is_whole",
    ),
    models.CheckConstraint(
        condition=Q(trial_starting_at__isnull=True) | Q(trial_starting_at__lt=F("trial_ending_before")),
        name="contract_trial_ends_after_start",
    ),
]  # fmt: skip
