"""Ids that came again with other content."""

from django.db import migrations, models

import usage.store.postgres.models


class Migration(migrations.Migration):
    dependencies = [("usage", "0004_ingest_counters")]

    operations = [
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
    ]
