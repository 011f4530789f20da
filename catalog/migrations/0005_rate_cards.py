import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0004_products"),
    ]

    operations = [
        migrations.CreateModel(
            name="RateCard",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True, default="")),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(default="", max_length=160)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "fiat_credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="RateCardAlias",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(db_index=True, max_length=128)),
                ("starting_at", models.DateTimeField(null=True)),
                ("ending_before", models.DateTimeField(null=True)),
                (
                    "rate_card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="aliases", to="catalog.ratecard"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "rate card aliases",
                "ordering": [models.OrderBy(models.F("starting_at"), nulls_first=True), "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("starting_at__isnull", True),
                            ("ending_before__isnull", True),
                            ("starting_at__lt", models.F("ending_before")),
                            _connector="OR",
                        ),
                        name="rate_card_alias_ends_after_start",
                    )
                ],
            },
        ),
    ]
