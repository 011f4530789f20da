"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

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
        migrations.CreateModel(
            name="CreditType",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, unique=True)),
                ("code", models.CharField(blank=True, default="", max_length=3)),
                ("places", models.PositiveSmallIntegerField(default=0)),
                ("minor_digits", models.PositiveSmallIntegerField(default=0)),
                ("is_currency", models.BooleanField(default=False)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "pricing unit",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("code", ""), _negated=True), fields=("code",), name="currency_code_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Package",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("template", models.TextField(editable=False)),
                ("uniqueness_key", models.CharField(blank=True, max_length=128, null=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(default="", max_length=160)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("archived_at__isnull", True)),
                        fields=("uniqueness_key",),
                        name="package_uniqueness_key_once",
                    )
                ],
            },
        ),
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
            name="PackageAlias",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(db_index=True, max_length=128)),
                ("starting_at", models.DateTimeField(null=True)),
                ("ending_before", models.DateTimeField(null=True)),
                (
                    "package",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="aliases", to="catalog.package"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "package aliases",
                "ordering": [models.OrderBy(models.F("starting_at"), nulls_first=True), "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("starting_at__isnull", True),
                            ("ending_before__isnull", True),
                            ("starting_at__lt", models.F("ending_before")),
                            _connector="OR",
                        ),
                        name="package_alias_ends_after_start",
                    )
                ],
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
                ("composite_product_ids", models.JSONField(default=list)),
                ("composite_tags", models.JSONField(default=list)),
                (
                    "composite_scope",
                    models.CharField(
                        choices=[("CONTRACT", "Contract"), ("CUSTOMER", "Customer")], default="CONTRACT", max_length=8
                    ),
                ),
                ("exclude_free_usage", models.BooleanField(default=False)),
                ("include_composite_spend", models.BooleanField(default=False)),
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
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("composite_product_ids", []), ("composite_tags", [])),
                            ("billable_metric__isnull", True),
                            _connector="OR",
                        ),
                        name="composite_product_has_no_metric",
                    ),
                ],
            },
        ),
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
                            ("VOLUME", "Volume"),
                            ("PACKAGE", "Package"),
                            ("CUSTOM", "Custom"),
                        ],
                        max_length=20,
                    ),
                ),
                ("price", core.fields.ExactDecimalField(null=True)),
                ("tiers", models.JSONField(default=list)),
                ("package_size", core.fields.ExactDecimalField(null=True)),
                ("minimum", core.fields.ExactDecimalField(null=True)),
                ("custom_rate", models.TextField(blank=True, default="")),
                ("commit_rate", models.JSONField(null=True)),
                (
                    "billing_frequency",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("WEEKLY", "Weekly"),
                            ("MONTHLY", "Monthly"),
                            ("QUARTERLY", "Quarterly"),
                            ("ANNUAL", "Annual"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("is_prorated", models.BooleanField(null=True)),
                ("quantity", core.fields.ExactDecimalField(null=True)),
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
                        condition=models.Q(
                            models.Q(
                                ("package_size__isnull", True),
                                models.Q(("package_size", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("package_size__isnull", True),
                                models.Q(("package_size", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("package_size__isnull", True),
                                models.Q(("package_size", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("minimum__isnull", True), models.Q(("minimum", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("minimum__isnull", True),
                                models.Q(("minimum", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("minimum__isnull", True),
                                models.Q(("minimum", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("quantity__isnull", True),
                                models.Q(("quantity", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("quantity__isnull", True),
                                models.Q(("quantity", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("quantity__isnull", True),
                                models.Q(("quantity", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="rate_terms_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("price__isnull", True), ("price__gte", 0), _connector="OR"),
                        name="rate_price_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("minimum__isnull", True),
                                models.Q(("minimum__gte", 0), ("rate_type__in", ("PERCENTAGE", "TIERED_PERCENTAGE"))),
                                _connector="OR",
                            ),
                            models.Q(
                                ("quantity__isnull", True),
                                models.Q(("quantity__gte", 0), ("rate_type", "SUBSCRIPTION")),
                                _connector="OR",
                            ),
                        ),
                        name="rate_terms_fit_type",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("rate_type", "CUSTOM"), _negated=True), ("custom_rate", "")),
                            models.Q(
                                ("price__isnull", True),
                                ("rate_type", "CUSTOM"),
                                ("tiers", []),
                                models.Q(("custom_rate", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="custom_rate_has_no_price",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("rate_type", "PACKAGE"), _negated=True), ("package_size__isnull", True)),
                            models.Q(("package_size__gt", 0), ("price__isnull", False), ("rate_type", "PACKAGE")),
                            _connector="OR",
                        ),
                        name="package_rate_has_size",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("rate_type__in", ("PERCENTAGE", "SUBSCRIPTION")), _negated=True),
                            ("price__isnull", False),
                            _connector="OR",
                        ),
                        name="priced_rate_has_price",
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
                            models.Q(("rate_type__in", ("TIERED", "TIERED_PERCENTAGE", "VOLUME")), _negated=True),
                            models.Q(("tiers", []), _negated=True),
                            _connector="OR",
                        ),
                        name="tiered_rate_has_tiers",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductOrder",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField()),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.product"
                    ),
                ),
                (
                    "rate_card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="product_orders",
                        to="catalog.ratecard",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(fields=("rate_card", "product"), name="product_ordered_once_per_card"),
                    models.UniqueConstraint(fields=("rate_card", "position"), name="one_product_at_each_position"),
                ],
            },
        ),
        migrations.CreateModel(
            name="NamedScheduleEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("properties", models.JSONField(default=dict)),
                ("sequence", models.PositiveIntegerField()),
                ("starting_at", models.DateTimeField()),
                ("ending_before", models.DateTimeField(null=True)),
                ("value", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="named_schedule_entries",
                        to="catalog.ratecard",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "named schedule entries",
                "ordering": ["sequence"],
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ending_before__isnull", True),
                            ("starting_at__lt", models.F("ending_before")),
                            _connector="OR",
                        ),
                        name="catalog_named_schedule_ends_after_start",
                    ),
                    models.UniqueConstraint(fields=("owner", "sequence"), name="catalog_named_schedule_sequence_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CreditTypeConversion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("fiat_per_custom_credit", core.fields.ExactDecimalField()),
                (
                    "custom_credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
                (
                    "rate_card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="conversions", to="catalog.ratecard"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("rate_card", "custom_credit_type"), name="conversion_once_per_card"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("fiat_per_custom_credit__isnull", True),
                                models.Q(("fiat_per_custom_credit", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("fiat_per_custom_credit__isnull", True),
                                models.Q(("fiat_per_custom_credit", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("fiat_per_custom_credit__isnull", True),
                                models.Q(("fiat_per_custom_credit", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="conversion_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("fiat_per_custom_credit__gte", 0)), name="conversion_not_below_zero"
                    ),
                ],
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
