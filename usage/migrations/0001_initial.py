"""Made from the models by `make migrations`: change those, not this."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.functions.comparison
from django.db import migrations, models

import core.fields
import usage.store.postgres.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="EventKey",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("digest", models.BigIntegerField(null=True)),
                ("xact", models.BigIntegerField(editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="EventConflict",
            fields=[
                ("transaction_id", models.CharField(max_length=128, primary_key=True, serialize=False)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("times", models.BigIntegerField(default=1)),
                ("content", models.JSONField(decoder=usage.store.postgres.models.ExactDecoder, default=dict)),
            ],
            options={
                "indexes": [models.Index(fields=["-last_seen_at"], name="usage_conflict_recent_idx")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("times__gte", 1)), name="usage_conflict_was_seen")
                ],
            },
        ),
        migrations.CreateModel(
            name="IngestMinute",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "minute", "shard", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("minute", models.DateTimeField()),
                ("shard", models.SmallIntegerField(default=0)),
                ("accepted", models.BigIntegerField(default=0)),
                ("duplicates", models.BigIntegerField(default=0)),
                ("conflicts", models.BigIntegerField(default=0)),
                ("rejected", models.BigIntegerField(default=0)),
                ("dropped", models.BigIntegerField(db_default=0, default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("accepted__gte", 0),
                            ("duplicates__gte", 0),
                            ("rejected__gte", 0),
                            ("conflicts__gte", 0),
                            ("conflicts__lte", models.F("duplicates")),
                        ),
                        name="usage_minute_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("dropped__gte", 0)), name="usage_minute_dropped_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rollup",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "series_id",
                        "customer_ref",
                        "grain",
                        "bucket",
                        "groups_key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("series_id", models.IntegerField()),
                ("customer_ref", models.CharField(max_length=128)),
                ("grain", models.CharField(max_length=1)),
                ("bucket", models.DateTimeField()),
                ("groups_key", models.UUIDField()),
                (
                    "groups",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(null=True), size=None),
                ),
                ("events", models.BigIntegerField()),
                ("value", core.fields.ExactDecimalField()),
                ("latest_at", models.DateTimeField(null=True)),
                ("latest_arrival", models.BigIntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("value__isnull", True), models.Q(("value", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("value__isnull", True), models.Q(("value", "Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("value__isnull", True),
                                models.Q(("value", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="usage_rollup_finite",
                    ),
                    models.CheckConstraint(condition=models.Q(("events__gt", 0)), name="usage_rollup_counts"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupSeries",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("fingerprint", models.UUIDField()),
                ("rules", models.JSONField()),
                ("keys", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("horizon", models.BigIntegerField(default=0)),
                ("is_ready", models.BooleanField(default=False)),
                ("counted_to", models.BigIntegerField(default=0)),
                ("target", models.BigIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("rolled_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("fingerprint", "keys"), name="usage_series_once"),
                    models.CheckConstraint(
                        condition=models.Q(("horizon__gte", 0)), name="usage_series_horizon_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupValue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "series_id",
                        "customer_ref",
                        "grain",
                        "bucket",
                        "groups_key",
                        "value_key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("series_id", models.IntegerField()),
                ("customer_ref", models.CharField(max_length=128)),
                ("grain", models.CharField(max_length=1)),
                ("bucket", models.DateTimeField()),
                ("groups_key", models.UUIDField()),
                ("value_key", models.UUIDField()),
                (
                    "groups",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(null=True), size=None),
                ),
                ("events", models.BigIntegerField()),
                ("value", models.TextField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("events__gt", 0)), name="usage_rollup_value_counts")
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageEvent",
            fields=[
                ("arrival", models.BigIntegerField(primary_key=True, serialize=False)),
                ("transaction_id", models.CharField(max_length=128)),
                ("customer_ref", models.CharField(max_length=128)),
                ("event_type", models.CharField(max_length=200)),
                ("timestamp", models.DateTimeField()),
                ("properties", models.JSONField(decoder=usage.store.postgres.models.ExactDecoder, default=dict)),
                ("received_at", models.DateTimeField()),
                ("xact", models.BigIntegerField(editable=False)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.BTreeIndex(
                        deduplicate_items=False, fields=["customer_ref", "timestamp"], name="usage_event_customer_idx"
                    ),
                    django.contrib.postgres.indexes.BTreeIndex(
                        models.F("xact"),
                        django.db.models.functions.comparison.Collate("customer_ref", "C"),
                        deduplicate_items=False,
                        name="usage_event_tail_idx",
                    ),
                    django.contrib.postgres.indexes.BrinIndex(
                        autosummarize=True, fields=["received_at"], name="usage_event_received_idx", pages_per_range=32
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("transaction_id", ""), _negated=True), name="usage_event_has_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("customer_ref", ""), _negated=True), name="usage_event_has_customer"
                    ),
                ],
            },
        ),
    ]
