"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
from django.conf import settings
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "__first__"),
        ("catalog", "0001_initial"),
        ("contracts", "0001_initial"),
        ("core", "0001_initial"),
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("checked_at", models.DateTimeField(db_index=True)),
                ("segments", models.PositiveBigIntegerField()),
                ("differing", models.JSONField(blank=True, default=list)),
                ("differing_count", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RecurringGrant",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("description", models.CharField(blank=True, default="", max_length=1000)),
                ("priority", core.fields.ExactDecimalField(default=100)),
                (
                    "access_type",
                    models.CharField(
                        choices=[("SPEND", "Spend"), ("QUANTITY", "Quantity")], default="SPEND", max_length=8
                    ),
                ),
                (
                    "rate_type",
                    models.CharField(
                        choices=[("LIST_RATE", "List Rate"), ("COMMIT_RATE", "Commit Rate")],
                        default="LIST_RATE",
                        max_length=11,
                    ),
                ),
                ("rollover_fraction", core.fields.ExactDecimalField(blank=True, null=True)),
                ("applicable_product_ids", models.JSONField(blank=True, default=list)),
                ("applicable_product_tags", models.JSONField(blank=True, default=list)),
                ("specifiers", models.JSONField(blank=True, default=list)),
                ("child_access", models.JSONField(blank=True, null=True)),
                ("netsuite_sales_order_id", models.CharField(blank=True, default="", max_length=200)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("kind", models.CharField(choices=[("COMMIT", "Commit"), ("CREDIT", "Credit")], max_length=6)),
                (
                    "allocation",
                    models.CharField(
                        blank=True,
                        choices=[("POOLED", "Pooled"), ("INDIVIDUAL", "Individual")],
                        default="",
                        max_length=10,
                    ),
                ),
                ("seat_increase_is_prorated", models.BooleanField(default=True)),
                ("starting_at", models.DateTimeField()),
                ("ending_before", models.DateTimeField(blank=True, null=True)),
                ("duration", models.PositiveIntegerField(default=1)),
                (
                    "frequency",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("DAILY", "Daily"),
                            ("WEEKLY", "Weekly"),
                            ("MONTHLY", "Monthly"),
                            ("QUARTERLY", "Quarterly"),
                            ("ANNUAL", "Annual"),
                        ],
                        default="",
                        max_length=9,
                    ),
                ),
                ("access_unit_price", core.fields.ExactDecimalField()),
                ("access_quantity", core.fields.ExactDecimalField(default=1)),
                ("invoice_unit_price", core.fields.ExactDecimalField(blank=True, null=True)),
                ("invoice_quantity", core.fields.ExactDecimalField(blank=True, null=True)),
                (
                    "proration",
                    models.CharField(
                        choices=[
                            ("NONE", "None"),
                            ("FIRST", "First"),
                            ("LAST", "Last"),
                            ("FIRST_AND_LAST", "First And Last"),
                        ],
                        default="FIRST_AND_LAST",
                        max_length=14,
                    ),
                ),
                ("proration_rounding", models.JSONField(blank=True, default=dict)),
                ("earlier_terms", models.JSONField(blank=True, default=list)),
                ("next_child_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="added_recurring_grants",
                        to="contracts.contractedit",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recurring_grants",
                        to="contracts.contract",
                    ),
                ),
                (
                    "credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
                (
                    "invoice_credit_type",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.credittype",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.product"
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recurring_grants",
                        to="contracts.subscription",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("rollover_fraction__isnull", True),
                            models.Q(("rollover_fraction__gte", 0), ("rollover_fraction__lte", 1)),
                            _connector="OR",
                        ),
                        name="recurring_grant_rollover_is_a_fraction",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("specifiers", []),
                            models.Q(("applicable_product_ids", []), ("applicable_product_tags", [])),
                            _connector="OR",
                        ),
                        name="recurring_grant_specifiers_stand_alone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rollover_fraction__isnull", True),
                                models.Q(("rollover_fraction", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rollover_fraction__isnull", True),
                                models.Q(("rollover_fraction", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rollover_fraction__isnull", True),
                                models.Q(("rollover_fraction", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("access_unit_price__isnull", True),
                                models.Q(("access_unit_price", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("access_unit_price__isnull", True),
                                models.Q(("access_unit_price", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("access_unit_price__isnull", True),
                                models.Q(("access_unit_price", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("access_quantity__isnull", True),
                                models.Q(("access_quantity", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("access_quantity__isnull", True),
                                models.Q(("access_quantity", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("access_quantity__isnull", True),
                                models.Q(("access_quantity", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("invoice_unit_price__isnull", True),
                                models.Q(("invoice_unit_price", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("invoice_unit_price__isnull", True),
                                models.Q(("invoice_unit_price", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("invoice_unit_price__isnull", True),
                                models.Q(("invoice_unit_price", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("invoice_quantity__isnull", True),
                                models.Q(("invoice_quantity", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("invoice_quantity__isnull", True),
                                models.Q(("invoice_quantity", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("invoice_quantity__isnull", True),
                                models.Q(("invoice_quantity", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="recurring_grant_numbers_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ending_before__isnull", True),
                            ("starting_at__lt", models.F("ending_before")),
                            _connector="OR",
                        ),
                        name="recurring_grant_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("access_quantity__gte", 0), ("access_unit_price__gte", 0), ("duration__gte", 1)
                        ),
                        name="recurring_grant_amounts_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("invoice_quantity__isnull", True), ("invoice_unit_price__isnull", True)),
                            models.Q(("invoice_quantity__gte", 0), ("invoice_unit_price__gte", 0), ("kind", "COMMIT")),
                            _connector="OR",
                        ),
                        name="recurring_grant_invoice_is_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("allocation", ""), ("subscription__isnull", True)),
                            models.Q(
                                ("access_quantity", 1),
                                ("allocation__in", ["POOLED", "INDIVIDUAL"]),
                                ("subscription__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="recurring_grant_allocates_to_seats",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Balance",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("description", models.CharField(blank=True, default="", max_length=1000)),
                ("priority", core.fields.ExactDecimalField(default=100)),
                (
                    "access_type",
                    models.CharField(
                        choices=[("SPEND", "Spend"), ("QUANTITY", "Quantity")], default="SPEND", max_length=8
                    ),
                ),
                (
                    "rate_type",
                    models.CharField(
                        choices=[("LIST_RATE", "List Rate"), ("COMMIT_RATE", "Commit Rate")],
                        default="LIST_RATE",
                        max_length=11,
                    ),
                ),
                ("rollover_fraction", core.fields.ExactDecimalField(blank=True, null=True)),
                ("applicable_product_ids", models.JSONField(blank=True, default=list)),
                ("applicable_product_tags", models.JSONField(blank=True, default=list)),
                ("specifiers", models.JSONField(blank=True, default=list)),
                ("child_access", models.JSONField(blank=True, null=True)),
                ("netsuite_sales_order_id", models.CharField(blank=True, default="", max_length=200)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("PREPAID", "Prepaid"), ("POSTPAID", "Postpaid"), ("CREDIT", "Credit")], max_length=8
                    ),
                ),
                ("applicable_contract_ids", models.JSONField(blank=True, null=True)),
                ("do_not_invoice", models.BooleanField(default=False)),
                ("cost_basis", core.fields.ExactDecimalField(default=0)),
                ("counts_as_discounted", models.BooleanField(blank=True, null=True)),
                ("true_up_disabled", models.BooleanField(default=False)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("salesforce_opportunity_id", models.CharField(blank=True, default="", max_length=200)),
                ("uniqueness_key", models.CharField(blank=True, max_length=128, null=True)),
                ("period_start", models.DateTimeField(blank=True, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="added_balances",
                        to="contracts.contractedit",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="balances",
                        to="contracts.contract",
                    ),
                ),
                (
                    "credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="balances", to="customers.customer"
                    ),
                ),
                (
                    "invoice_contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoiced_balances",
                        to="contracts.contract",
                    ),
                ),
                (
                    "invoice_credit_type",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.credittype",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.product"
                    ),
                ),
                (
                    "rolled_over_from",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rollovers",
                        to="balances.balance",
                    ),
                ),
                (
                    "recurring",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="balances.recurringgrant",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["customer", "-created_at", "-id"], name="balance_customer_idx"),
                    models.Index(fields=["contract"], name="balance_contract_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("rollover_fraction__isnull", True),
                            models.Q(("rollover_fraction__gte", 0), ("rollover_fraction__lte", 1)),
                            _connector="OR",
                        ),
                        name="balance_rollover_is_a_fraction",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("specifiers", []),
                            models.Q(("applicable_product_ids", []), ("applicable_product_tags", [])),
                            _connector="OR",
                        ),
                        name="balance_specifiers_stand_alone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rollover_fraction__isnull", True),
                                models.Q(("rollover_fraction", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rollover_fraction__isnull", True),
                                models.Q(("rollover_fraction", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rollover_fraction__isnull", True),
                                models.Q(("rollover_fraction", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("cost_basis__isnull", True),
                                models.Q(("cost_basis", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("cost_basis__isnull", True),
                                models.Q(("cost_basis", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("cost_basis__isnull", True),
                                models.Q(("cost_basis", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="balance_numbers_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cost_basis__gte", 0)), name="balance_cost_not_negative"
                    ),
                    models.UniqueConstraint(fields=("uniqueness_key",), name="balance_uniqueness_key_once"),
                    models.UniqueConstraint(fields=("recurring", "period_start"), name="balance_child_once_per_period"),
                    models.UniqueConstraint(
                        fields=("rolled_over_from", "contract"), name="balance_rolled_over_once_per_contract"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("period_start__isnull", True), ("recurring__isnull", True)),
                            models.Q(("period_start__isnull", False), ("recurring__isnull", False)),
                            _connector="OR",
                        ),
                        name="balance_child_has_its_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("applicable_contract_ids__isnull", True), ("contract__isnull", True), _connector="OR"
                        ),
                        name="balance_of_a_contract_is_for_it",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "POSTPAID"), _negated=True),
                            ("invoice_contract__isnull", False),
                            _connector="OR",
                        ),
                        name="balance_postpaid_is_invoiced",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("starting_at", models.DateTimeField()),
                ("ending_before", models.DateTimeField()),
                ("seat_group_key", models.CharField(blank=True, default="", max_length=200)),
                ("seat_id", models.CharField(blank=True, default="", max_length=200)),
                ("seat_granted", core.fields.ExactDecimalField(blank=True, null=True)),
                ("granted", core.fields.ExactDecimalField(default=0)),
                ("manual", core.fields.ExactDecimalField(default=0)),
                ("used", core.fields.ExactDecimalField(default=0)),
                ("expired", core.fields.ExactDecimalField(default=0)),
                ("rolled_over", core.fields.ExactDecimalField(default=0)),
                ("trued_up", core.fields.ExactDecimalField(default=0)),
                ("balance", core.fields.ExactDecimalField(default=0)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="segments", to="balances.balance"
                    ),
                ),
            ],
            options={
                "ordering": ["starting_at", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("balance", 0), _negated=True),
                        fields=["ending_before"],
                        name="segment_to_expire_idx",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("starting_at__lt", models.F("ending_before"))), name="segment_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("granted__isnull", True), models.Q(("granted", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("granted__isnull", True),
                                models.Q(("granted", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("granted__isnull", True),
                                models.Q(("granted", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("manual__isnull", True), models.Q(("manual", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("manual__isnull", True),
                                models.Q(("manual", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("manual__isnull", True),
                                models.Q(("manual", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(("used__isnull", True), models.Q(("used", "NaN"), _negated=True), _connector="OR"),
                            models.Q(
                                ("used__isnull", True), models.Q(("used", "Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("used__isnull", True), models.Q(("used", "-Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("expired__isnull", True), models.Q(("expired", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("expired__isnull", True),
                                models.Q(("expired", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("expired__isnull", True),
                                models.Q(("expired", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rolled_over__isnull", True),
                                models.Q(("rolled_over", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rolled_over__isnull", True),
                                models.Q(("rolled_over", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rolled_over__isnull", True),
                                models.Q(("rolled_over", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("trued_up__isnull", True),
                                models.Q(("trued_up", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("trued_up__isnull", True),
                                models.Q(("trued_up", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("trued_up__isnull", True),
                                models.Q(("trued_up", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("balance__isnull", True), models.Q(("balance", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("balance__isnull", True),
                                models.Q(("balance", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("balance__isnull", True),
                                models.Q(("balance", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="segment_sums_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("seat_granted__isnull", True),
                                models.Q(("seat_granted", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("seat_granted__isnull", True),
                                models.Q(("seat_granted", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("seat_granted__isnull", True),
                                models.Q(("seat_granted", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="segment_seat_granted_finite",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("seat_id", ""), _negated=True),
                        fields=("owner", "seat_group_key", "seat_id"),
                        name="segment_once_per_seat",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("seat_group_key", ""), ("seat_id", "")),
                            models.Q(
                                models.Q(("seat_group_key", ""), _negated=True),
                                models.Q(("seat_id", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="segment_names_its_seat",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expired__gte", 0),
                            ("granted__gte", 0),
                            ("rolled_over__gte", 0),
                            ("trued_up__gte", 0),
                            ("used__gte", 0),
                        ),
                        name="segment_sums_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "balance",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                django.db.models.expressions.CombinedExpression(
                                                    models.F("granted"), "+", models.F("manual")
                                                ),
                                                "-",
                                                models.F("used"),
                                            ),
                                            "-",
                                            models.F("expired"),
                                        ),
                                        "-",
                                        models.F("rolled_over"),
                                    ),
                                    "-",
                                    models.F("trued_up"),
                                ),
                            )
                        ),
                        name="segment_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expired", 0), ("balance", 0), _connector="OR"),
                        name="segment_expired_holds_nothing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("SEGMENT_START", "Segment Start"),
                            ("INITIAL_BALANCE", "Initial Balance"),
                            ("AUTOMATED_INVOICE_DEDUCTION", "Automated Invoice Deduction"),
                            ("CANCELED", "Canceled"),
                            ("CREDITED", "Credited"),
                            ("ROLLOVER", "Rollover"),
                            ("EXPIRATION", "Expiration"),
                            ("MANUAL", "Manual"),
                            ("SEAT_BASED_ADJUSTMENT", "Seat Based Adjustment"),
                            ("TRUEUP", "Trueup"),
                        ],
                        max_length=27,
                    ),
                ),
                ("amount", core.fields.ExactDecimalField()),
                ("effective_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                ("invoice_id", models.UUIDField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("uniqueness_key", models.CharField(blank=True, max_length=128, null=True)),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.contract",
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="balances.ledgerentry",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="balances.segment"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "ledger entries",
                "ordering": ["effective_at", "id"],
                "indexes": [models.Index(fields=["segment", "effective_at", "id"], name="ledger_segment_idx")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount__isnull", True), models.Q(("amount", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("amount__isnull", True),
                                models.Q(("amount", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount__isnull", True),
                                models.Q(("amount", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="ledger_amount_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount", 0), _negated=True), name="ledger_amount_not_zero"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "AUTOMATED_INVOICE_DEDUCTION")),
                        fields=("invoice_id", "segment"),
                        name="ledger_one_deduction_per_invoice_and_segment",
                    ),
                    models.UniqueConstraint(fields=("uniqueness_key",), name="ledger_uniqueness_key_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind__in", ["AUTOMATED_INVOICE_DEDUCTION", "TRUEUP"]), _negated=True),
                            models.Q(
                                ("invoice_id__isnull", False),
                                models.Q(
                                    ("amount__lt", 0),
                                    models.Q(("kind", "TRUEUP"), ("reverses__isnull", False)),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="ledger_deduction_names_its_invoice",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "CANCELED"), _negated=True),
                            models.Q(("amount__gt", 0), ("invoice_id__isnull", False), ("reverses__isnull", False)),
                            _connector="OR",
                        ),
                        name="ledger_return_names_its_deduction",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "EXPIRATION"), _negated=True),
                            ("amount__lt", 0),
                            ("reverses__isnull", False),
                            _connector="OR",
                        ),
                        name="ledger_expiry_takes_away",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "MANUAL"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="ledger_manual_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Adjustment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("credit_name", models.CharField(blank=True, default="", max_length=200)),
                ("access_from", models.DateTimeField(blank=True, null=True)),
                ("access_until", models.DateTimeField(blank=True, null=True)),
                ("applicable_product_ids", models.JSONField(blank=True, default=list)),
                ("applicable_product_tags", models.JSONField(blank=True, default=list)),
                ("priority", core.fields.ExactDecimalField(default=100)),
                ("amount", core.fields.ExactDecimalField()),
                ("entry_at", models.DateTimeField(blank=True, null=True)),
                ("seat_amounts", models.JSONField(blank=True, null=True)),
                ("uniqueness_key", models.CharField(blank=True, max_length=128, null=True)),
                ("worth", core.fields.ExactDecimalField(blank=True, null=True)),
                ("limit_worth", core.fields.ExactDecimalField()),
                ("by_maker", core.fields.ExactDecimalField()),
                ("for_customer", core.fields.ExactDecimalField()),
                ("key_limit", core.fields.ExactDecimalField(blank=True, null=True)),
                ("by_key", core.fields.ExactDecimalField(default=0)),
                (
                    "approval",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "within the limit"),
                            ("NO_WORTH", "what it is worth is not known"),
                            ("AMOUNT", "above the limit"),
                            ("MAKER_SUM", "above the limit with what the same person posted within 24 hours"),
                            ("KEY_SUM", "above the limit with what the same API key posted within 24 hours"),
                            ("CUSTOMER_SUM", "above the limit with what this customer got within 24 hours"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                (
                    "reason_code",
                    models.CharField(
                        choices=[
                            ("GOODWILL", "Goodwill"),
                            ("SERVICE_CREDIT", "Service credit (SLA)"),
                            ("BILLING_ERROR", "Billing error"),
                            ("PROMOTION", "Promotion"),
                            ("MIGRATION", "Migration"),
                            ("OTHER", "Other"),
                        ],
                        max_length=14,
                    ),
                ),
                ("public_reason", models.CharField(max_length=500)),
                ("note", models.CharField(blank=True, default="", max_length=2000)),
                ("ticket_url", models.URLField(blank=True, default="", max_length=500)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Waits"),
                            ("POSTED", "Posted"),
                            ("REJECTED", "Rejected"),
                            ("WITHDRAWN", "Withdrawn"),
                        ],
                        default="PENDING",
                        max_length=9,
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decision_note", models.CharField(blank=True, default="", max_length=1000)),
                ("seat_entries", models.JSONField(blank=True, null=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.apikey",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.contract",
                    ),
                ),
                (
                    "credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="adjustments", to="customers.customer"
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.product",
                    ),
                ),
                (
                    "credit",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="granted_by",
                        to="balances.balance",
                    ),
                ),
                (
                    "entry",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustment",
                        to="balances.ledgerentry",
                    ),
                ),
                (
                    "segment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to="balances.segment",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at", "-id"],
                "indexes": [
                    models.Index(fields=["-made_at", "-id"], name="adjustment_newest_idx"),
                    models.Index(
                        condition=models.Q(("status", "PENDING")), fields=["made_at"], name="adjustment_waiting_idx"
                    ),
                    models.Index(
                        condition=models.Q(("approval", ""), ("status", "POSTED")),
                        fields=["made_by", "made_at"],
                        name="adjustment_maker_idx",
                    ),
                    models.Index(
                        condition=models.Q(("approval", ""), ("status", "POSTED")),
                        fields=["customer", "made_at"],
                        name="adjustment_sum_idx",
                    ),
                    models.Index(
                        condition=models.Q(("approval", ""), ("status", "POSTED")),
                        fields=["api_key", "made_at"],
                        name="adjustment_key_idx",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount__isnull", True), models.Q(("amount", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("amount__isnull", True),
                                models.Q(("amount", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount__isnull", True),
                                models.Q(("amount", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("worth__isnull", True), models.Q(("worth", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("worth__isnull", True), models.Q(("worth", "Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("worth__isnull", True),
                                models.Q(("worth", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("limit_worth__isnull", True),
                                models.Q(("limit_worth", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("limit_worth__isnull", True),
                                models.Q(("limit_worth", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("limit_worth__isnull", True),
                                models.Q(("limit_worth", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("by_maker__isnull", True),
                                models.Q(("by_maker", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("by_maker__isnull", True),
                                models.Q(("by_maker", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("by_maker__isnull", True),
                                models.Q(("by_maker", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("for_customer__isnull", True),
                                models.Q(("for_customer", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("for_customer__isnull", True),
                                models.Q(("for_customer", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("for_customer__isnull", True),
                                models.Q(("for_customer", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("key_limit__isnull", True),
                                models.Q(("key_limit", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("key_limit__isnull", True),
                                models.Q(("key_limit", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("key_limit__isnull", True),
                                models.Q(("key_limit", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("by_key__isnull", True), models.Q(("by_key", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("by_key__isnull", True),
                                models.Q(("by_key", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("by_key__isnull", True),
                                models.Q(("by_key", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="adjustment_numbers_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("amount", 0), _negated=True), ("seat_amounts__isnull", False), _connector="OR"
                        ),
                        name="adjustment_amount_not_zero",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("made_by__isnull", False), ("api_key__isnull", False), _connector="OR"),
                        name="adjustment_has_a_maker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("api_key__isnull", True), ("by_key", 0), ("key_limit__isnull", True)),
                            models.Q(("api_key__isnull", False), ("key_limit__isnull", False)),
                            _connector="OR",
                        ),
                        name="adjustment_through_a_key_has_its_limit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("api_key__isnull", False), ("segment__isnull", False)),
                            models.Q(
                                ("entry_at__isnull", True),
                                ("seat_amounts__isnull", True),
                                ("uniqueness_key__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="adjustment_terms_of_an_api_entry",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("seat_amounts__isnull", False),
                                models.Q(("entry__isnull", True), ("seat_entries__isnull", False), _connector="OR"),
                            ),
                            models.Q(("seat_amounts__isnull", True), ("seat_entries__isnull", True)),
                            _connector="OR",
                        ),
                        name="adjustment_of_seats_has_its_entries",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["PENDING", "POSTED"])),
                        fields=("uniqueness_key",),
                        name="adjustment_uniqueness_key_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("worth__isnull", True), ("worth__gte", 0), _connector="OR"),
                        name="adjustment_worth_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("credit_type", uuid.UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")), _negated=True),
                            ("worth__isnull", True),
                            ("worth", django.db.models.functions.math.Abs(models.F("amount"))),
                            ("seat_amounts__isnull", False),
                            _connector="OR",
                        ),
                        name="adjustment_dollars_are_worth_themselves",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("access_from__isnull", True), ("product__isnull", True), ("segment__isnull", False)
                            ),
                            models.Q(
                                ("access_from__isnull", False),
                                ("access_until__gt", models.F("access_from")),
                                ("amount__gt", 0),
                                ("product__isnull", False),
                                ("segment__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="adjustment_is_an_entry_or_a_credit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("segment__isnull", True),
                            models.Q(
                                ("applicable_product_ids", []),
                                ("applicable_product_tags", []),
                                ("contract__isnull", True),
                            ),
                            models.Q(
                                ("api_key__isnull", False),
                                ("applicable_product_ids", []),
                                ("applicable_product_tags", []),
                            ),
                            _connector="OR",
                        ),
                        name="adjustment_scope_is_of_a_credit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("approval", ""), _negated=True),
                            models.Q(
                                (
                                    "limit_worth__gte",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("worth"), "+", models.F("for_customer")
                                    ),
                                ),
                                ("worth__isnull", False),
                                (
                                    "worth__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("limit_worth"), "-", models.F("by_maker")
                                    ),
                                ),
                                models.Q(
                                    ("key_limit__isnull", True),
                                    models.Q(
                                        (
                                            "key_limit__gte",
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("worth"), "+", models.F("by_key")
                                            ),
                                        ),
                                        (
                                            "key_limit__gte",
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("worth"), "+", models.F("for_customer")
                                            ),
                                        ),
                                    ),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="adjustment_alone_only_within_the_limit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["PENDING", "WITHDRAWN"]),
                            models.Q(("approval", ""), ("decided_by__isnull", True), ("status", "POSTED")),
                            models.Q(
                                ("decided_by__isnull", False),
                                models.Q(("decided_by", models.F("made_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="adjustment_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("status", "PENDING")),
                            models.Q(models.Q(("status", "PENDING"), _negated=True), ("decided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="adjustment_decision_is_dated",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("credit__isnull", True),
                                ("entry__isnull", False),
                                ("segment__isnull", False),
                                ("status", "POSTED"),
                            ),
                            models.Q(
                                ("credit__isnull", False),
                                ("entry__isnull", True),
                                ("segment__isnull", True),
                                ("status", "POSTED"),
                            ),
                            models.Q(
                                models.Q(("status", "POSTED"), _negated=True),
                                ("credit__isnull", True),
                                ("entry__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="adjustment_posted_has_its_effect",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("public_reason", ""), _negated=True), name="adjustment_says_why"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ticket_url", ""),
                            (
                                "ticket_url__regex",
                                "^https://[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]{1,5})?([/?#]([A-Za-z0-9._~:/?#@!$&()*+,;=-]|%[0-9A-Fa-f]{2})*)?$",
                            ),
                            _connector="OR",
                        ),
                        name="adjustment_ticket_is_a_link",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ThresholdTerms",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("SPEND_THRESHOLD", "Spend Threshold"),
                            ("PREPAID_BALANCE_THRESHOLD", "Prepaid Balance Threshold"),
                            ("SPEND_TRACKER", "Spend Tracker"),
                        ],
                        max_length=25,
                    ),
                ),
                ("alias", models.CharField(blank=True, default="", max_length=128)),
                ("version", models.PositiveIntegerField()),
                ("terms", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="threshold_terms",
                        to="contracts.contractedit",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="threshold_terms",
                        to="contracts.contract",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "threshold terms",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("contract", "kind", "alias", "version"), name="threshold_version_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "SPEND_TRACKER"), models.Q(("alias", ""), _negated=True)),
                            models.Q(models.Q(("kind", "SPEND_TRACKER"), _negated=True), ("alias", "")),
                            _connector="OR",
                        ),
                        name="threshold_alias_is_of_a_tracker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("version__gte", 1)), name="threshold_versions_count_from_one"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyGift",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField()),
                ("source_id", models.UUIDField()),
                ("worth", core.fields.ExactDecimalField()),
                ("limit_worth", core.fields.ExactDecimalField()),
                ("key_limit", core.fields.ExactDecimalField()),
                (
                    "api_key",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.apikey"),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["customer", "made_at"], name="key_gift_customer_idx"),
                    models.Index(fields=["api_key", "made_at"], name="key_gift_key_idx"),
                    models.Index(fields=["made_by", "made_at"], name="key_gift_maker_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("worth__isnull", True), models.Q(("worth", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("worth__isnull", True), models.Q(("worth", "Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("worth__isnull", True),
                                models.Q(("worth", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("limit_worth__isnull", True),
                                models.Q(("limit_worth", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("limit_worth__isnull", True),
                                models.Q(("limit_worth", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("limit_worth__isnull", True),
                                models.Q(("limit_worth", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("key_limit__isnull", True),
                                models.Q(("key_limit", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("key_limit__isnull", True),
                                models.Q(("key_limit", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("key_limit__isnull", True),
                                models.Q(("key_limit", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="key_gift_numbers_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("worth__gt", 0),
                            ("worth__lte", models.F("limit_worth")),
                            ("worth__lte", models.F("key_limit")),
                        ),
                        name="key_gift_only_within_the_limit",
                    ),
                ],
            },
        ),
    ]
