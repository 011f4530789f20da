"""Who may look: embed sessions of the customer console."""

import uuid

from django.db import models
from django.db.models import F, Q

from core.models import ApiKey
from customers.models import Customer


class EmbedOrigin(models.Model):
    """An exact origin (`https://app.example.com`) whose pages may frame the console."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    origin = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            # it stands in a header and in an attribute
            models.CheckConstraint(
                condition=Q(
                    origin__regex=r"^(https://[a-z0-9-]+(\.[a-z0-9-]+)*|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?$"
                ),
                name="embed_origin_is_an_origin",
            ),
        ]

    def __str__(self) -> str:
        return self.origin


class EmbedSession(models.Model):
    """One embedding of the console for one customer.

    It starts from a code (single use, 60 s) or from an embeddable URL's token (reusable for an hour); either is
    exchanged for access tokens of 15 minutes. Only hashes are stored.
    """

    class Start(models.TextChoices):
        CODE = "CODE"
        URL = "URL"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="embed_sessions")
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.PROTECT)
    start = models.CharField(max_length=4, choices=Start.choices)
    start_hash = models.BinaryField(max_length=32, unique=True)
    start_expires_at = models.DateTimeField()
    start_used_at = models.DateTimeField(null=True)
    # "" : any of the registered origins
    origin = models.CharField(max_length=255, blank=True, default="")
    scopes = models.JSONField(default=list)
    options = models.JSONField(default=dict)
    end_user = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(created_at__lt=F("expires_at")), name="embed_session_has_a_life"),
        ]

    def __str__(self) -> str:
        return f"{self.start} for {self.customer_id}"


class AccessToken(models.Model):
    """What a console page sends with each request; 15 minutes, renewed while its session lives."""

    token_hash = models.BinaryField(max_length=32, primary_key=True)
    session = models.ForeignKey(EmbedSession, on_delete=models.CASCADE, related_name="tokens")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(created_at__lt=F("expires_at")), name="access_token_has_a_life"),
        ]

    def __str__(self) -> str:
        return f"until {self.expires_at:%Y-%m-%d %H:%M}"


class DownloadLink(models.Model):
    """A one-time link to a file (60 s, single use): a frame's download cannot carry a bearer header."""

    token_hash = models.BinaryField(max_length=32, primary_key=True)
    session = models.ForeignKey(EmbedSession, on_delete=models.CASCADE, related_name="downloads")
    path = models.CharField(max_length=200)
    query = models.CharField(max_length=1000, blank=True, default="")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(created_at__lt=F("expires_at")), name="download_link_has_a_life"),
        ]

    def __str__(self) -> str:
        return self.path
