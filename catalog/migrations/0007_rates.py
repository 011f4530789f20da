import uuid

import django.db.models.deletion
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_rate_card_alias_names_one_card"),
    ]

    operations = [
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("sequence", models.BigIntegerField(editable=False)),
                ("pricing_group_values", models.JSONField(default=dict)),
                ("starting_at", models.DateTimeField()),
                ("ending_before", models.DateTimeField(null=True)),
                ("entitled", models.BooleanField()),
                (
                    "rate_type",
                    models.CharField(
                        choices=[
                            ("FLAT", "Flat"),
                            ("TIERED", "Tiered"),
                            ("PERCENTAGE", "Percentage"),
                            ("TIERED_PERCENTAGE", "Tiered Percentage"),
                            ("SUBSCRIPTION", "Subscription"),
                            ("CUSTOM", "Custom"),
                        ],
                        max_length=20,
                    ),
                ),
                ("price", core.fields.ExactDecimalField(null=True)),
                ("tiers", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(default="", max_length=160)),
                (
                    "credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rates", to="catalog.product"
                    ),
                ),
                (
                    "rate_card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rates", to="catalog.ratecard"
                    ),
                ),
            ],
            options={
                "ordering": ["sequence"],
                "indexes": [models.Index(fields=["rate_card", "product", "sequence"], name="rate_lookup_idx")],
                "constraints": [
                    models.UniqueConstraint(fields=("rate_card", "sequence"), name="rate_sequence_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("price__isnull", True), models.Q(("price", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("price__isnull", True), models.Q(("price", "Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("price__isnull", True),
                                models.Q(("price", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="rate_price_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("price__isnull", True), ("price__gte", 0), _connector="OR"),
                        name="rate_price_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ending_before__isnull", True),
                            ("starting_at__lt", models.F("ending_before")),
                            _connector="OR",
                        ),
                        name="rate_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("rate_type", "FLAT"), _negated=True), ("price__isnull", False), _connector="OR"
                        ),
                        name="flat_rate_has_price",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("rate_type", "TIERED"), _negated=True),
                            models.Q(("tiers", []), _negated=True),
                            _connector="OR",
                        ),
                        name="tiered_rate_has_tiers",
                    ),
                ],
            },
        ),
    ]
