"""The tables of the PostgreSQL store; usage/sql has what Django has no words for (partitions)."""

import json
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, BTreeIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate

from core.fields import ExactDecimalField, finite


class ExactDecoder(json.JSONDecoder):
    """Reads JSON numbers with a fraction or an exponent as Decimal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "parse_float": Decimal})


class UsageEvent(models.Model):
    """One event, as it was sent.

    `customer_ref` is the customer's id or any alias, kept as sent: who it belongs to is decided when it is read, so an
    alias added later brings its earlier events along. `arrival` is the order of arrival. `xact` is the transaction that
    wrote it, on the scale of `usage_xact()`: by it the rollup worker and readers tell what is already in the rollups.

    Partitioned by month of `timestamp`; no unique index of its own: `EventKey` lets each transaction id in once.
    """

    arrival = models.BigIntegerField(primary_key=True)
    transaction_id = models.CharField(max_length=128)
    customer_ref = models.CharField(max_length=128)
    event_type = models.CharField(max_length=200)
    timestamp = models.DateTimeField()
    properties = models.JSONField(default=dict, decoder=ExactDecoder)
    received_at = models.DateTimeField()
    xact = models.BigIntegerField(editable=False)

    class Meta:
        app_label = "usage"
        constraints = [
            models.CheckConstraint(condition=~Q(transaction_id=""), name="usage_event_has_id"),
            models.CheckConstraint(condition=~Q(customer_ref=""), name="usage_event_has_customer"),
        ]
        indexes = [
            # Entries seldom repeat: looking for those that do cost a writer 4 % of its time.
            BTreeIndex(fields=["customer_ref", "timestamp"], name="usage_event_customer_idx", deduplicate_items=False),
            # It grows at its end. Readers of the tail ask for it by its collation: the planner would have them walk the
            # customer's history.
            BTreeIndex("xact", Collate("customer_ref", "C"), name="usage_event_tail_idx", deduplicate_items=False),
            BrinIndex(fields=["received_at"], name="usage_event_received_idx", pages_per_range=32, autosummarize=True),
        ]

    def __str__(self) -> str:
        return self.transaction_id


class EventKey(models.Model):
    """A transaction id that was stored, for ever: it outlives its event's partition.

    `key` is `usage.store.postgres.keys.event_key`; `digest`: 64 bits over the event's content, NULL where it is not
    known (events from before it was kept). `xact` is its event's.
    """

    key = models.UUIDField(primary_key=True)
    digest = models.BigIntegerField(null=True)
    xact = models.BigIntegerField(editable=False)

    class Meta:
        app_label = "usage"

    def __str__(self) -> str:
        return str(self.key)


class EventConflict(models.Model):
    """An id that came again with other content. The first event stays; `content` is the last one refused, bounded."""

    transaction_id = models.CharField(primary_key=True, max_length=128)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times = models.BigIntegerField(default=1)
    content = models.JSONField(default=dict, decoder=ExactDecoder)

    class Meta:
        app_label = "usage"
        indexes = [models.Index(fields=["-last_seen_at"], name="usage_conflict_recent_idx")]
        constraints = [models.CheckConstraint(condition=Q(times__gte=1), name="usage_conflict_was_seen")]

    def __str__(self) -> str:
        return self.transaction_id


class IngestMinute(models.Model):
    """What came in within a UTC minute of `received_at`, written with the events themselves. Shards spare writers each
    other's locks; readers sum over them. Conflicts count among `duplicates` too."""

    pk = models.CompositePrimaryKey("minute", "shard")
    minute = models.DateTimeField()
    shard = models.SmallIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    conflicts = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    # accepted events that retention has dropped since
    dropped = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        app_label = "usage"
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted__gte=0, duplicates__gte=0, rejected__gte=0)
                & Q(conflicts__gte=0, conflicts__lte=F("duplicates")),
                name="usage_minute_adds_up",
            ),
            models.CheckConstraint(condition=Q(dropped__gte=0), name="usage_minute_dropped_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.minute} {self.shard}"


class RollupSeries(models.Model):
    """One set of counting rules by one set of group keys (sorted), and how far its rollups reach.

    The rollups hold exactly the events with `xact` below `horizon`, after every commit; a new series begins at 0 and is
    filled from history in steps. `is_ready` once it has caught up: from then on readers use it. `counted_to` and
    `target` tell how far filling has come: events gone through, of those that were there in the beginning.
    """

    id = models.AutoField(primary_key=True)
    fingerprint = models.UUIDField()
    rules = models.JSONField()
    keys = ArrayField(models.TextField())
    horizon = models.BigIntegerField(default=0)
    is_ready = models.BooleanField(default=False)
    counted_to = models.BigIntegerField(default=0)
    target = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    rolled_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "usage"
        constraints = [
            models.UniqueConstraint(fields=["fingerprint", "keys"], name="usage_series_once"),
            models.CheckConstraint(condition=Q(horizon__gte=0), name="usage_series_horizon_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.fingerprint} by {self.keys}"


HOURS = tuple((f"h{hour}", f"n{hour}") for hour in range(24))
"""Columns of `usage_rollup`: of a day's row, `value` and `events` of each UTC hour, NULL for one without events.

24 rows in one: most of what the rollup worker does is find and change rows. They are no fields of `Rollup`, which
the ORM does not read or write.
"""


class Rollup(models.Model):
    """The events of one customer ref, group and UTC day or month (`grain` D, M) of a series, added up.

    `groups`: the values of the series' keys in their order, NULL for an absent property; `groups_key`: their MD5, since
    values may be too long for an index. `value`: the sum, or the greatest value; for LATEST the value of the event at
    `latest_at`, `latest_arrival`, and there are rows for hours too (`grain` H): of others, see `HOURS`. UNIQUE has
    `RollupValue` instead.
    """

    pk = models.CompositePrimaryKey("series_id", "customer_ref", "grain", "bucket", "groups_key")
    series_id = models.IntegerField()
    customer_ref = models.CharField(max_length=128)
    grain = models.CharField(max_length=1)
    bucket = models.DateTimeField()
    groups_key = models.UUIDField()
    groups = ArrayField(models.TextField(null=True))
    events = models.BigIntegerField()
    value = ExactDecimalField()
    latest_at = models.DateTimeField(null=True)
    latest_arrival = models.BigIntegerField(null=True)

    class Meta:
        app_label = "usage"
        constraints = [
            finite("usage_rollup_finite", "value"),
            models.CheckConstraint(condition=Q(events__gt=0), name="usage_rollup_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.series_id} {self.customer_ref} {self.grain} {self.bucket}"


class RollupValue(models.Model):
    """A value that a UNIQUE series saw in a day or a month, and in how many events. `value_key`: the MD5 of `value`."""

    pk = models.CompositePrimaryKey("series_id", "customer_ref", "grain", "bucket", "groups_key", "value_key")
    series_id = models.IntegerField()
    customer_ref = models.CharField(max_length=128)
    grain = models.CharField(max_length=1)
    bucket = models.DateTimeField()
    groups_key = models.UUIDField()
    value_key = models.UUIDField()
    groups = ArrayField(models.TextField(null=True))
    events = models.BigIntegerField()
    value = models.TextField()

    class Meta:
        app_label = "usage"
        constraints = [models.CheckConstraint(condition=Q(events__gt=0), name="usage_rollup_value_counts")]

    def __str__(self) -> str:
        return f"{self.series_id} {self.customer_ref} {self.grain} {self.bucket} {self.value}"
