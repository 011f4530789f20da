"""What came in, minute by minute: feeds health and reconciliation."""

from django.db import migrations, models

FILL = (
    "INSERT INTO usage_ingestminute (minute, shard, accepted, duplicates, conflicts, rejected)"
    " SELECT date_trunc('minute', received_at, 'UTC'), 0, count(*), 0, 0, 0 FROM usage_usageevent GROUP BY 1"
)


class Migration(migrations.Migration):
    dependencies = [("usage", "0003_partitioned_events")]

    operations = [
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
                    )
                ],
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE usage_ingestminute SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
