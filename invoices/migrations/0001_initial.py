"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import core.fields
import engine.invoice_states


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("balances", "0001_initial"),
        ("billing", "0001_initial"),
        ("catalog", "0001_initial"),
        ("contracts", "0001_initial"),
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="InvoiceListing",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("type", models.CharField(choices=[("USAGE", "Usage"), ("SCHEDULED", "Scheduled")], max_length=10)),
                (
                    "status",
                    models.CharField(
                        choices=[("DRAFT", "Draft"), ("FINALIZED", "Finalized"), ("VOID", "Void")], max_length=10
                    ),
                ),
                ("period_start", models.DateTimeField()),
                ("period_end", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField()),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(max_length=500)),
                ("draft_total", core.fields.ExactDecimalField(null=True)),
                ("draft_total_at", models.DateTimeField(null=True)),
                ("number", models.CharField(max_length=40, null=True)),
                ("subtotal", core.fields.ExactDecimalField(null=True)),
                ("rounding", core.fields.ExactDecimalField(null=True)),
                ("total", core.fields.ExactDecimalField(null=True)),
                ("issued_at", models.DateTimeField(null=True)),
                ("finalized_at", models.DateTimeField(null=True)),
                ("voided_at", models.DateTimeField(null=True)),
                ("unrated", models.JSONField()),
                ("content_hash", models.CharField(max_length=64)),
                ("net_payment_terms_days", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "invoice",
                "db_table": "invoices_invoicelisting",
                "ordering": ["-period_start", "-id"],
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("type", models.CharField(choices=[("USAGE", "Usage"), ("SCHEDULED", "Scheduled")], max_length=10)),
                (
                    "status",
                    models.CharField(
                        choices=[("DRAFT", "Draft"), ("FINALIZED", "Finalized"), ("VOID", "Void")],
                        default=engine.invoice_states.InvoiceStatus["FINALIZED"],
                        max_length=10,
                    ),
                ),
                ("period_start", models.DateTimeField()),
                ("period_end", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("number", models.CharField(max_length=40)),
                ("subtotal", core.fields.ExactDecimalField()),
                ("rounding", core.fields.ExactDecimalField()),
                ("total", core.fields.ExactDecimalField()),
                ("net_payment_terms_days", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("issued_at", models.DateTimeField()),
                ("finalized_at", models.DateTimeField()),
                ("voided_at", models.DateTimeField(blank=True, null=True)),
                ("unrated", models.JSONField(blank=True, default=list)),
                ("content_hash", models.CharField(max_length=64)),
                (
                    "billing_period",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoice", to="billing.billingperiod"
                    ),
                ),
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
                    "payer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
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
                "indexes": [models.Index(fields=["customer", "-period_start", "-id"], name="invoice_customer_idx")],
                "constraints": [
                    models.UniqueConstraint(fields=("number",), name="invoice_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "VOID"), _negated=True),
                        fields=("regenerated_from",),
                        name="invoice_regenerated_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("billing_period", models.F("id"))), name="invoice_has_its_periods_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "FINALIZED"), ("voided_at__isnull", True)),
                            models.Q(("status", "VOID"), ("voided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="invoice_void_at",
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
                        ),
                        name="invoice_amounts_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "total",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("subtotal"), "+", models.F("rounding")
                                ),
                            )
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
