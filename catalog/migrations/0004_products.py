import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_billable_metrics"),
    ]

    operations = [
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("USAGE", "Usage"),
                            ("SUBSCRIPTION", "Subscription"),
                            ("COMPOSITE", "Composite"),
                            ("FIXED", "Fixed"),
                            ("PRO_SERVICE", "Pro Service"),
                        ],
                        max_length=12,
                    ),
                ),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField()),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ProductVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("starting_at", models.DateTimeField(null=True)),
                ("name", models.CharField(max_length=200)),
                ("pricing_group_key", models.JSONField(default=list)),
                ("presentation_group_key", models.JSONField(default=list)),
                ("quantity_conversion", models.JSONField(null=True)),
                ("quantity_rounding", models.JSONField(null=True)),
                ("tags", models.JSONField(default=list)),
                ("is_refundable", models.BooleanField(default=True)),
                ("netsuite_internal_item_id", models.CharField(blank=True, default="", max_length=200)),
                ("netsuite_overage_item_id", models.CharField(blank=True, default="", max_length=200)),
                ("changed", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(default="", max_length=160)),
                (
                    "billable_metric",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="product_versions",
                        to="catalog.billablemetric",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="catalog.product"
                    ),
                ),
            ],
            options={
                "ordering": [models.OrderBy(models.F("starting_at"), nulls_first=True), "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("product", "number"), name="product_version_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("number", 0), ("starting_at__isnull", True)),
                            models.Q(("number__gt", 0), ("starting_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="product_version_zero_is_initial",
                    ),
                ],
            },
        ),
    ]
