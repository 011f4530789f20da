"""What waits for a second person, and what one person did alone (docs/adr/0022).

Models of this app like those in `models.py`, which takes them in.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.fields import ExactDecimalField, finite


class ApprovalRequest(models.Model):
    """An act (`registry.GatedAct`) that one person asks for and another decides.

    What was asked never changes, a decision is made once, and by somebody whom the first one did not make or change
    within seven days (sql/core_approvalrequest.sql). `worth` and `limit_worth`: USD cents; both NULL for an act that
    always needs two, `worth` alone where nobody can say.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING", "Waits"
        DONE = "DONE", "Done"
        REJECTED = "REJECTED", "Rejected"
        WITHDRAWN = "WITHDRAWN", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    act = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    # what would be done, in words, as of when it was asked for
    title = models.CharField(max_length=300)
    parameters = models.JSONField(default=dict)
    # the account that it makes or changes; of one still to be made, once it is
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    worth = ExactDecimalField(null=True, blank=True)
    limit_worth = ExactDecimalField(null=True, blank=True)
    reason = models.CharField(max_length=1000)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    # NULL: withdrawn, or nobody decided in time
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.CharField(max_length=1000, blank=True, default="")

    class Meta:
        ordering = ["-made_at", "-id"]
        indexes = [
            models.Index(fields=["-made_at", "-id"], name="approval_newest_idx"),
            models.Index(fields=["made_at"], condition=Q(status="PENDING"), name="approval_waiting_idx"),
            models.Index(
                fields=["account", "decided_at"],
                condition=Q(status="DONE", account__isnull=False),
                name="approval_account_idx",
            ),
        ]
        constraints = [
            finite("approval_numbers_finite", "worth", "limit_worth"),
            models.UniqueConstraint(
                fields=["act", "subject_type", "subject_id"], condition=Q(status="PENDING"), name="approval_waits_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "WITHDRAWN"])
                | Q(decided_by__isnull=False) & ~Q(decided_by=F("made_by")),
                name="approval_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(account__isnull=True) | ~Q(decided_by=F("account")),
                name="approval_not_about_the_checker",
            ),
            models.CheckConstraint(
                condition=Q(status="PENDING", decided_at__isnull=True, decided_by__isnull=True)
                | ~Q(status="PENDING") & Q(decided_at__isnull=False),
                name="approval_decision_is_dated",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="approval_says_why"),
        ]

    def __str__(self) -> str:
        return self.title


class SoloAct(models.Model):
    """What one person, or a key of theirs, did on their own word; it counts against their limit for 24 hours.

    `worth`, `limit_worth`: USD cents. Only added to; the sums of the day are proven by sql/core_soloact.sql.
    """

    id = models.BigAutoField(primary_key=True)
    act = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    worth = ExactDecimalField()
    limit_worth = ExactDecimalField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    api_key = models.ForeignKey("core.ApiKey", null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["made_by", "at"], name="solo_act_person_idx"),
            models.Index(fields=["api_key", "at"], condition=Q(api_key__isnull=False), name="solo_act_key_idx"),
        ]
        constraints = [
            finite("solo_act_numbers_finite", "worth", "limit_worth"),
            models.CheckConstraint(condition=Q(worth__gt=0), name="solo_act_is_worth_something"),
            models.CheckConstraint(condition=Q(worth__lte=F("limit_worth")), name="solo_act_within_the_limit"),
            models.CheckConstraint(
                condition=Q(made_by__isnull=False) | Q(api_key__isnull=False), name="solo_act_is_somebodys"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.subject_id}"
