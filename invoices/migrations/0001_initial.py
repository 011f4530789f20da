"""Made from the models by `make migrations`: change those, not this."""

import uuid
from decimal import Decimal

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
from django.db import migrations, models

import core.fields
import engine.invoice_states


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("balances", "0001_initial"),
        ("billing", "0001_initial"),
        ("catalog", "0001_initial"),
        ("charges", "0001_initial"),
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
                ("document_date", models.DateField(null=True)),
                ("due_date", models.DateField(null=True)),
                ("seller", models.JSONField(null=True)),
                ("buyer", models.JSONField(null=True)),
                ("contract_name", models.CharField(max_length=200)),
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
                ("series_number", models.BigIntegerField()),
                ("number", models.CharField(max_length=40)),
                ("document_date", models.DateField()),
                ("due_date", models.DateField()),
                ("content_version", models.PositiveSmallIntegerField()),
                ("seller", models.JSONField()),
                ("buyer", models.JSONField()),
                ("contract_name", models.CharField(blank=True, max_length=200)),
                ("subtotal", core.fields.ExactDecimalField()),
                ("rounding", core.fields.ExactDecimalField()),
                ("total", core.fields.ExactDecimalField()),
                ("document_subtotal", core.fields.ExactDecimalField()),
                ("document_tax", core.fields.ExactDecimalField()),
                ("document_total", core.fields.ExactDecimalField()),
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
            name="NumberSeries",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("year", models.PositiveSmallIntegerField()),
                ("last_number", models.BigIntegerField(default=0)),
                ("last_date", models.DateField(null=True)),
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
        migrations.AddField(
            model_name="invoice",
            name="series",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="invoices.numberseries"
            ),
        ),
        migrations.CreateModel(
            name="Settlement",
            fields=[
                (
                    "invoice",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="settlement",
                        serialize=False,
                        to="invoices.invoice",
                    ),
                ),
                ("due_on", models.DateField()),
                ("amount_due", core.fields.ExactDecimalField()),
                ("amount_paid", core.fields.ExactDecimalField(default=Decimal(0))),
                ("amount_credited", core.fields.ExactDecimalField(default=Decimal(0))),
                ("amount_written_off", core.fields.ExactDecimalField(default=Decimal(0))),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("OPEN", "OPEN"),
                            ("PARTIALLY_PAID", "PARTIALLY_PAID"),
                            ("PAID", "PAID"),
                            ("UNCOLLECTIBLE", "UNCOLLECTIBLE"),
                            ("VOID", "VOID"),
                        ],
                        max_length=20,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount_due__isnull", True),
                                models.Q(("amount_due", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_due__isnull", True),
                                models.Q(("amount_due", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_due__isnull", True),
                                models.Q(("amount_due", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_paid__isnull", True),
                                models.Q(("amount_paid", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_paid__isnull", True),
                                models.Q(("amount_paid", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_paid__isnull", True),
                                models.Q(("amount_paid", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_credited__isnull", True),
                                models.Q(("amount_credited", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_credited__isnull", True),
                                models.Q(("amount_credited", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_credited__isnull", True),
                                models.Q(("amount_credited", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_written_off__isnull", True),
                                models.Q(("amount_written_off", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_written_off__isnull", True),
                                models.Q(("amount_written_off", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_written_off__isnull", True),
                                models.Q(("amount_written_off", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="settlement_amounts_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount_due__isnull", True),
                                ("amount_due", django.db.models.functions.math.Floor("amount_due")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_paid__isnull", True),
                                ("amount_paid", django.db.models.functions.math.Floor("amount_paid")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_credited__isnull", True),
                                ("amount_credited", django.db.models.functions.math.Floor("amount_credited")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_written_off__isnull", True),
                                ("amount_written_off", django.db.models.functions.math.Floor("amount_written_off")),
                                _connector="OR",
                            ),
                        ),
                        name="settlement_amounts_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_credited__gte", 0),
                            ("amount_due__gte", 0),
                            ("amount_paid__gte", 0),
                            ("amount_written_off__gte", 0),
                        ),
                        name="settlement_amounts_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "amount_due__gte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("amount_paid"), "+", models.F("amount_credited")
                                    ),
                                    "+",
                                    models.F("amount_written_off"),
                                ),
                            )
                        ),
                        name="settlement_takes_what_is_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "amount_due__gt",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("amount_paid"), "+", models.F("amount_credited")
                                        ),
                                        "+",
                                        models.F("amount_written_off"),
                                    ),
                                ),
                                ("amount_paid", 0),
                                ("amount_written_off", 0),
                                ("state", "OPEN"),
                            ),
                            models.Q(
                                (
                                    "amount_due__gt",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("amount_paid"), "+", models.F("amount_credited")
                                        ),
                                        "+",
                                        models.F("amount_written_off"),
                                    ),
                                ),
                                ("amount_paid__gt", 0),
                                ("amount_written_off", 0),
                                ("state", "PARTIALLY_PAID"),
                            ),
                            models.Q(
                                (
                                    "amount_due__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("amount_paid"), "+", models.F("amount_credited")
                                        ),
                                        "+",
                                        models.F("amount_written_off"),
                                    ),
                                ),
                                ("amount_written_off", 0),
                                ("state", "PAID"),
                            ),
                            models.Q(
                                (
                                    "amount_due__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("amount_paid"), "+", models.F("amount_credited")
                                        ),
                                        "+",
                                        models.F("amount_written_off"),
                                    ),
                                ),
                                ("amount_written_off__gt", 0),
                                ("state", "UNCOLLECTIBLE"),
                            ),
                            ("state", "VOID"),
                            _connector="OR",
                        ),
                        name="settlement_state_follows_its_amounts",
                    ),
                ],
            },
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
                ("document_amount", core.fields.ExactDecimalField(null=True)),
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
                    "discount",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="charges.discount"
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
                    "scheduled_charge",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="charges.scheduledcharge",
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
                            models.Q(
                                ("document_amount__isnull", True),
                                models.Q(("document_amount", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("document_amount__isnull", True),
                                models.Q(("document_amount", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("document_amount__isnull", True),
                                models.Q(("document_amount", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="invoice_line_amounts_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("document_amount__isnull", True),
                            ("document_amount", django.db.models.functions.math.Floor("document_amount")),
                            _connector="OR",
                        ),
                        name="invoice_line_document_amount_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("counted", True), ("document_amount__isnull", False)),
                            models.Q(("counted", False), ("document_amount__isnull", True)),
                            _connector="OR",
                        ),
                        name="invoice_line_on_document_where_counted",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(fields=["customer", "-period_start", "-id"], name="invoice_customer_idx"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(fields=("number",), name="invoice_number_once"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(fields=("series", "series_number"), name="invoice_place_in_series_once"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "VOID"), _negated=True),
                fields=("regenerated_from",),
                name="invoice_regenerated_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("billing_period", models.F("id"))), name="invoice_has_its_periods_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "FINALIZED"), ("voided_at__isnull", True)),
                    models.Q(("status", "VOID"), ("voided_at__isnull", False)),
                    _connector="OR",
                ),
                name="invoice_void_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("subtotal__isnull", True), models.Q(("subtotal", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("subtotal__isnull", True), models.Q(("subtotal", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("subtotal__isnull", True), models.Q(("subtotal", "-Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(("rounding__isnull", True), models.Q(("rounding", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("rounding__isnull", True), models.Q(("rounding", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("rounding__isnull", True), models.Q(("rounding", "-Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(("total__isnull", True), models.Q(("total", "NaN"), _negated=True), _connector="OR"),
                    models.Q(("total__isnull", True), models.Q(("total", "Infinity"), _negated=True), _connector="OR"),
                    models.Q(("total__isnull", True), models.Q(("total", "-Infinity"), _negated=True), _connector="OR"),
                    models.Q(
                        ("document_subtotal__isnull", True),
                        models.Q(("document_subtotal", "NaN"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_subtotal__isnull", True),
                        models.Q(("document_subtotal", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_subtotal__isnull", True),
                        models.Q(("document_subtotal", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_tax__isnull", True),
                        models.Q(("document_tax", "NaN"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_tax__isnull", True),
                        models.Q(("document_tax", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_tax__isnull", True),
                        models.Q(("document_tax", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_total__isnull", True),
                        models.Q(("document_total", "NaN"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_total__isnull", True),
                        models.Q(("document_total", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_total__isnull", True),
                        models.Q(("document_total", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                ),
                name="invoice_amounts_finite",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("document_subtotal__isnull", True),
                        ("document_subtotal", django.db.models.functions.math.Floor("document_subtotal")),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_tax__isnull", True),
                        ("document_tax", django.db.models.functions.math.Floor("document_tax")),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_total__isnull", True),
                        ("document_total", django.db.models.functions.math.Floor("document_total")),
                        _connector="OR",
                    ),
                ),
                name="invoice_document_amounts_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "due_date",
                        models.ExpressionWrapper(
                            django.db.models.expressions.CombinedExpression(
                                models.F("document_date"), "+", models.F("net_payment_terms_days")
                            ),
                            output_field=models.DateField(),
                        ),
                    ),
                    ("series_number__gte", 1),
                ),
                name="invoice_is_dated_where_numbered",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
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
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "document_total",
                        django.db.models.expressions.CombinedExpression(
                            models.F("document_subtotal"), "+", models.F("document_tax")
                        ),
                    )
                ),
                name="invoice_document_adds_up",
            ),
        ),
    ]
