"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("balances", "0001_initial"),
        ("catalog", "0001_initial"),
        ("contracts", "0001_initial"),
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="BillingCursor",
            fields=[
                (
                    "contract",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="billing_cursor",
                        serialize=False,
                        to="contracts.contract",
                    ),
                ),
                ("next_period_at", models.DateTimeField(db_index=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("USAGE", "Usage"), ("SCHEDULED", "Scheduled")], default="USAGE", max_length=10
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("DRAFT", "Draft"), ("FINALIZED", "Finalized"), ("VOID", "Void")],
                        default="DRAFT",
                        max_length=10,
                    ),
                ),
                ("period_start", models.DateTimeField()),
                ("period_end", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("next_attempt_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
                ("number", models.CharField(blank=True, max_length=40, null=True)),
                ("subtotal", core.fields.ExactDecimalField(null=True)),
                ("rounding", core.fields.ExactDecimalField(null=True)),
                ("total", core.fields.ExactDecimalField(null=True)),
                ("draft_total", core.fields.ExactDecimalField(null=True)),
                ("draft_total_at", models.DateTimeField(null=True)),
                ("net_payment_terms_days", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("issued_at", models.DateTimeField(blank=True, null=True)),
                ("finalized_at", models.DateTimeField(blank=True, null=True)),
                ("voided_at", models.DateTimeField(blank=True, null=True)),
                ("unrated", models.JSONField(blank=True, default=list)),
                ("content_hash", models.CharField(blank=True, default="", max_length=64)),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="contracts.contract"
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="customers.customer"
                    ),
                ),
                (
                    "regenerated_from",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="regenerations",
                        to="invoices.invoice",
                    ),
                ),
            ],
            options={
                "ordering": ["-period_start", "-id"],
                "indexes": [
                    models.Index(fields=["customer", "-period_start", "-id"], name="invoice_customer_idx"),
                    models.Index(
                        condition=models.Q(("status", "DRAFT")),
                        fields=["next_attempt_at", "period_start"],
                        name="invoice_due_idx",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "USAGE"), models.Q(("status", "VOID"), _negated=True)),
                        fields=("contract", "kind", "period_start"),
                        name="invoice_once_per_period",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("kind", "SCHEDULED"), ("regenerated_from__isnull", True), ("status", "DRAFT")
                        ),
                        fields=("contract", "period_start", "credit_type"),
                        name="invoice_scheduled_once_per_date",
                    ),
                    models.UniqueConstraint(fields=("number",), name="invoice_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "VOID"), _negated=True),
                        fields=("regenerated_from",),
                        name="invoice_regenerated_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "USAGE"), ("period_start__lt", models.F("period_end"))),
                            models.Q(("kind", "SCHEDULED"), ("period_start", models.F("period_end"))),
                            _connector="OR",
                        ),
                        name="invoice_period_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("subtotal__isnull", True),
                                models.Q(("subtotal", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("subtotal__isnull", True),
                                models.Q(("subtotal", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("subtotal__isnull", True),
                                models.Q(("subtotal", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rounding__isnull", True),
                                models.Q(("rounding", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rounding__isnull", True),
                                models.Q(("rounding", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("rounding__isnull", True),
                                models.Q(("rounding", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("total__isnull", True), models.Q(("total", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("total__isnull", True), models.Q(("total", "Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("total__isnull", True),
                                models.Q(("total", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("draft_total__isnull", True),
                                models.Q(("draft_total", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("draft_total__isnull", True),
                                models.Q(("draft_total", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("draft_total__isnull", True),
                                models.Q(("draft_total", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="invoice_amounts_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("number__isnull", True), ("status", "DRAFT"), ("total__isnull", True)),
                            models.Q(
                                models.Q(("status", "DRAFT"), _negated=True),
                                ("issued_at__isnull", False),
                                ("rounding__isnull", False),
                                ("subtotal__isnull", False),
                                ("total__isnull", False),
                                ("finalized_at__isnull", False),
                                ("number__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="invoice_final_is_complete",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("total__isnull", True),
                            (
                                "total",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("subtotal"), "+", models.F("rounding")
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="invoice_total_adds_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InvoiceDocument",
            fields=[
                (
                    "invoice",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="document",
                        serialize=False,
                        to="invoices.invoice",
                    ),
                ),
                ("pdf", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("rendered_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="InvoiceLine",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField()),
                ("type", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=200)),
                ("quantity", core.fields.ExactDecimalField(null=True)),
                ("unit_price", core.fields.ExactDecimalField(null=True)),
                ("total", core.fields.ExactDecimalField()),
                ("starting_at", models.DateTimeField(null=True)),
                ("ending_before", models.DateTimeField(null=True)),
                ("pricing_group_values", models.JSONField(default=dict)),
                ("presentation_group_values", models.JSONField(default=dict)),
                ("tier", models.JSONField(null=True)),
                ("explanation", models.JSONField(default=dict)),
                ("counted", models.BooleanField(default=True)),
                ("commit_type", models.CharField(blank=True, default="", max_length=20)),
                ("quantity_consumed", core.fields.ExactDecimalField(null=True)),
                ("product_type", models.CharField(default="UsageProductListItem", max_length=40, null=True)),
                (
                    "commit",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="balances.balance"
                    ),
                ),
                (
                    "commit_segment",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="balances.segment"
                    ),
                ),
                (
                    "credit_type",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.credittype",
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="invoices.invoice"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.product"
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contracts.subscription",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("credit_type__isnull", True), ("counted", False), _connector="OR"),
                        name="invoice_line_counted_in_its_unit",
                    ),
                    models.UniqueConstraint(fields=("invoice", "position"), name="invoice_line_position_once"),
                    models.CheckConstraint(
                        condition=models.Q(
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
                            models.Q(
                                ("unit_price__isnull", True),
                                models.Q(("unit_price", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("unit_price__isnull", True),
                                models.Q(("unit_price", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("unit_price__isnull", True),
                                models.Q(("unit_price", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("total__isnull", True), models.Q(("total", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("total__isnull", True), models.Q(("total", "Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("total__isnull", True),
                                models.Q(("total", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("quantity_consumed__isnull", True),
                                models.Q(("quantity_consumed", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("quantity_consumed__isnull", True),
                                models.Q(("quantity_consumed", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("quantity_consumed__isnull", True),
                                models.Q(("quantity_consumed", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="invoice_line_amounts_finite",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NumberSeries",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("last_number", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "number series",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last_number__gte", 0)), name="number_series_not_negative"
                    )
                ],
            },
        ),
    ]
