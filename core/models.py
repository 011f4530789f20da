"""The kernel's own tables: API keys, outbox, idempotent requests, audit trail, approvals, links to passwords."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.approval_models import ApprovalRequest, SoloAct
from core.custom_field_models import CustomFieldKey, CustomFieldValue
from core.fields import CurrentTransactionId, ExactDecimalField, TransactionIdField, finite

__all__ = [
    "ApiKey",
    "ApprovalRequest",
    "AuditEntry",
    "CustomFieldKey",
    "CustomFieldValue",
    "IdempotentRequest",
    "OutboxEvent",
    "PasswordLink",
    "SoloAct",
]


class ApiKey(models.Model):
    """A bearer key. Only its SHA-256 is kept; `prefix` and `last4` let a person recognise it.

    Who made it, and its limit, never change (sql/core_apikey.sql).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=160)
    prefix = models.CharField(max_length=24)
    last4 = models.CharField(max_length=4)
    key_hash = models.BinaryField(max_length=32, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # NULL: made on the server's command line, by whoever may do anything there
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # USD cents that it may give or take without a second person, at once and within 24 hours; NULL: any
    adjustment_limit = ExactDecimalField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at"]
        constraints = [
            finite("api_key_limit_finite", "adjustment_limit"),
            models.CheckConstraint(
                condition=Q(adjustment_limit__isnull=True) | Q(adjustment_limit__gte=0),
                name="api_key_limit_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(made_by__isnull=True) | Q(adjustment_limit__isnull=False),
                name="api_key_of_a_person_has_a_limit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…{self.last4})"

    @property
    def is_authenticated(self) -> bool:
        """A loaded, live key is an authenticated caller in the eyes of Django REST framework."""
        return True


class OutboxEvent(models.Model):
    """A domain event, appended in the transaction that made it true (`core.events.publish`).

    `xact` is that transaction: `(xact, id)` is the order in which readers get events (`core.events.read_after`).
    `payload`: the fields of the event that have no column here, as JSON; decimals are text.
    """

    id = models.BigAutoField(primary_key=True)
    xact = TransactionIdField(db_default=CurrentTransactionId(), editable=False)
    name = models.CharField(max_length=80)
    version = models.PositiveSmallIntegerField()
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    customer_id = models.UUIDField(null=True)
    payload = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name = "domain event"
        indexes = [
            models.Index(fields=["xact", "id"], name="outbox_order_idx"),
            models.Index(fields=["subject_type", "subject_id", "id"], name="outbox_subject_idx"),
            models.Index(fields=["customer_id", "id"], name="outbox_customer_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.subject_id}"


class IdempotentRequest(models.Model):
    """One use of an `Idempotency-Key` header by one API key, and the answer it got."""

    class State(models.TextChoices):
        RUNNING = "RUNNING"  # claimed; nothing committed by it yet
        COMMITTED = "COMMITTED"  # its use case is committed, the answer is not stored (a crash between the two)
        ANSWERED = "ANSWERED"

    id = models.BigAutoField(primary_key=True)
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    request_hash = models.BinaryField(max_length=32)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=100, default="")
    body = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["api_key", "key"], name="idempotent_request_once"),
            models.CheckConstraint(
                condition=~Q(state="ANSWERED") | Q(status__isnull=False), name="idempotent_request_has_answer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.state}"


class AuditEntry(models.Model):
    """Who changed what, when and why. Append-only (trigger), written in the transaction of the change."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.PROTECT)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    action = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    detail = models.JSONField(default=dict)
    reason = models.TextField(default="", blank=True)
    request_id = models.CharField(max_length=64, default="", blank=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "id"], name="audit_subject_idx"),
            models.Index(fields=["at", "id"], name="audit_time_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"


class PasswordLink(models.Model):
    """That somebody is to get a link by e-mail with which they set their own password (`core.password_links`).

    The link itself is kept nowhere: it is made when it is sent. `try_at`: when it is tried next, NULL once it is over.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    wanted_at = models.DateTimeField()
    try_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-wanted_at", "-id"]
        indexes = [
            models.Index(fields=["try_at"], condition=Q(try_at__isnull=False), name="password_link_due_idx"),
            models.Index(fields=["user", "-wanted_at"], name="password_link_user_idx"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(try_at__isnull=True), name="password_link_sent_once"
            ),
        ]

    def __str__(self) -> str:
        return f"Link for {self.user}"
