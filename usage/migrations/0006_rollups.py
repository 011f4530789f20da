"""Usage added up by hour, day and month."""

import django.contrib.postgres.fields
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0005_conflicts"),
    ]

    operations = [
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
        migrations.RunSQL(
            "ALTER TABLE usage_rollup SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "ALTER TABLE usage_rollupvalue SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)",
            migrations.RunSQL.noop,
        ),
    ]
