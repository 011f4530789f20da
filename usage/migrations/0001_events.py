"""The events table."""

from django.db import migrations, models

import usage.store.postgres.models


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="UsageEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("transaction_id", models.CharField(max_length=128)),
                ("customer_ref", models.CharField(max_length=128)),
                ("event_type", models.CharField(max_length=200)),
                ("timestamp", models.DateTimeField()),
                ("properties", models.JSONField(decoder=usage.store.postgres.models.ExactDecoder, default=dict)),
                ("received_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["customer_ref", "event_type", "timestamp"], name="usage_event_lookup_idx"),
                    models.Index(fields=["received_at"], name="usage_event_received_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("transaction_id",), name="usage_event_once"),
                    models.CheckConstraint(condition=~models.Q(transaction_id=""), name="usage_event_has_id"),
                    models.CheckConstraint(condition=~models.Q(customer_ref=""), name="usage_event_has_customer"),
                ],
            },
        ),
    ]
