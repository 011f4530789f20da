import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_fiat_credit_types"),
    ]

    operations = [
        migrations.CreateModel(
            name="BillableMetric",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                (
                    "aggregation_type",
                    models.CharField(
                        choices=[
                            ("COUNT", "Count"),
                            ("SUM", "Sum"),
                            ("MAX", "Max"),
                            ("UNIQUE", "Unique"),
                            ("LATEST", "Latest"),
                        ],
                        max_length=10,
                    ),
                ),
                ("aggregation_key", models.CharField(blank=True, default="", max_length=200)),
                ("event_type_filter", models.JSONField(blank=True, default=dict)),
                ("property_filters", models.JSONField(blank=True, default=list)),
                ("group_keys", models.JSONField(blank=True, default=list)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField()),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("aggregation_key", ""), ("aggregation_type", "COUNT")),
                            models.Q(
                                models.Q(("aggregation_type", "COUNT"), _negated=True),
                                models.Q(("aggregation_key", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="metric_key_fits_aggregation",
                    )
                ],
            },
        ),
    ]
