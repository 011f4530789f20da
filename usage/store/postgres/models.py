"""The events table of the PostgreSQL store."""

import json
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q


class ExactDecoder(json.JSONDecoder):
    """Reads JSON numbers with a fraction or an exponent as Decimal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "parse_float": Decimal})


class UsageEvent(models.Model):
    """One event, as it was sent.

    `customer_ref` is the customer's id or any alias, kept as sent: who it belongs to is decided when it is read, so an
    alias added later brings its earlier events along. `id` is the order of arrival.
    """

    id = models.BigAutoField(primary_key=True)
    transaction_id = models.CharField(max_length=128)
    customer_ref = models.CharField(max_length=128)
    event_type = models.CharField(max_length=200)
    timestamp = models.DateTimeField()
    properties = models.JSONField(default=dict, decoder=ExactDecoder)
    received_at = models.DateTimeField()

    class Meta:
        app_label = "usage"
        constraints = [
            models.UniqueConstraint(fields=["transaction_id"], name="usage_event_once"),
            models.CheckConstraint(condition=~Q(transaction_id=""), name="usage_event_has_id"),
            models.CheckConstraint(condition=~Q(customer_ref=""), name="usage_event_has_customer"),
        ]
        indexes = [
            models.Index(fields=["customer_ref", "event_type", "timestamp"], name="usage_event_lookup_idx"),
            models.Index(fields=["received_at"], name="usage_event_received_idx"),
        ]

    def __str__(self) -> str:
        return self.transaction_id
