"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0001_initial"),
        ("contracts", "0001_initial"),
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Charge",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("COMMIT_PURCHASE", "COMMIT_PURCHASE"),
                            ("COMMIT_TRUE_UP", "COMMIT_TRUE_UP"),
                            ("SCHEDULED_CHARGE", "SCHEDULED_CHARGE"),
                            ("DISCOUNT", "DISCOUNT"),
                        ],
                        max_length=40,
                    ),
                ),
                ("source_id", models.UUIDField()),
                ("ordinal", models.PositiveIntegerField()),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("unit_price", core.fields.ExactDecimalField()),
                ("quantity", core.fields.ExactDecimalField(default=1)),
                (
                    "amount_type",
                    models.CharField(
                        choices=[("FIXED", "FIXED"), ("SETTLED", "SETTLED")], default="FIXED", max_length=7
                    ),
                ),
                ("amount", core.fields.ExactDecimalField(blank=True, null=True)),
                ("invoiced_amount", core.fields.ExactDecimalField(blank=True, null=True)),
                ("service_start", models.DateTimeField(blank=True, null=True)),
                ("service_end", models.DateTimeField(blank=True, null=True)),
                ("invoice_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("PENDING", "PENDING"),
                            ("INVOICED", "INVOICED"),
                            ("VOIDED", "VOIDED"),
                            ("CANCELED", "CANCELED"),
                            ("WAIVED", "WAIVED"),
                        ],
                        default="PENDING",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("invoiced_at", models.DateTimeField(blank=True, null=True)),
                ("canceled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="charges", to="customers.customer"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.product"
                    ),
                ),
            ],
            options={
                "ordering": ["invoice_at", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "PENDING")),
                        fields=["contract", "invoice_at"],
                        name="charge_pending_idx",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source_id", "source", "ordinal"), name="charge_once_per_schedule_item"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
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
                                ("invoiced_amount__isnull", True),
                                models.Q(("invoiced_amount", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("invoiced_amount__isnull", True),
                                models.Q(("invoiced_amount", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("invoiced_amount__isnull", True),
                                models.Q(("invoiced_amount", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="charge_numbers_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gte", 0), ("unit_price__gte", 0)), name="charge_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("source", ""), _negated=True), ("ordinal__gte", 1)),
                        name="charge_names_its_source",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "amount",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("unit_price"), "*", models.F("quantity")
                                    ),
                                ),
                                ("amount__isnull", False),
                                ("amount_type", "FIXED"),
                            ),
                            models.Q(
                                ("amount__isnull", True),
                                ("amount_type", "SETTLED"),
                                models.Q(("state", "INVOICED"), _negated=True),
                            ),
                            models.Q(
                                ("amount__gte", 0),
                                ("amount__isnull", False),
                                ("amount_type", "SETTLED"),
                                ("state", "INVOICED"),
                            ),
                            _connector="OR",
                        ),
                        name="charge_amount_is_known_when_it_is_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("invoiced_amount__isnull", True),
                            models.Q(("amount_type", "FIXED"), ("invoiced_amount__gte", 0), ("state", "INVOICED")),
                            _connector="OR",
                        ),
                        name="charge_is_asked_for_on_a_final_invoice",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("service_end__isnull", True), ("service_start__isnull", True)),
                            models.Q(
                                ("service_end__isnull", False),
                                ("service_start__isnull", False),
                                ("service_start__lt", models.F("service_end")),
                            ),
                            _connector="OR",
                        ),
                        name="charge_service_period_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("contract__isnull", False),
                                ("state", "PENDING"),
                                ("canceled_at__isnull", True),
                                ("invoiced_at__isnull", True),
                            ),
                            models.Q(("state", "WAIVED"), ("canceled_at__isnull", True), ("invoiced_at__isnull", True)),
                            models.Q(
                                ("canceled_at__isnull", False), ("invoiced_at__isnull", True), ("state", "CANCELED")
                            ),
                            models.Q(
                                ("canceled_at__isnull", True),
                                ("contract__isnull", False),
                                ("invoiced_at__isnull", False),
                                ("state__in", ["INVOICED", "VOIDED"]),
                            ),
                            _connector="OR",
                        ),
                        name="charge_has_what_its_state_needs",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Discount",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("sequence", models.PositiveIntegerField(editable=False)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("do_not_invoice", models.BooleanField(default=False)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("netsuite_sales_order_id", models.CharField(blank=True, default="", max_length=200)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="added_%(class)ss",
                        to="contracts.contractedit",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="%(class)ss", to="contracts.contract"
                    ),
                ),
                (
                    "credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.product"
                    ),
                ),
            ],
            options={
                "ordering": ["sequence"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("contract", "sequence"), name="discount_sequence_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ScheduledCharge",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("sequence", models.PositiveIntegerField(editable=False)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("do_not_invoice", models.BooleanField(default=False)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("netsuite_sales_order_id", models.CharField(blank=True, default="", max_length=200)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="added_%(class)ss",
                        to="contracts.contractedit",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="%(class)ss", to="contracts.contract"
                    ),
                ),
                (
                    "credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.product"
                    ),
                ),
            ],
            options={
                "ordering": ["sequence"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("contract", "sequence"), name="scheduled_charge_sequence_once")
                ],
            },
        ),
    ]
