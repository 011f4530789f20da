"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import core.fields
import engine.invoice_states


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0001_initial"),
        ("charges", "0001_initial"),
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
            name="BillingPeriod",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "type",
                    models.CharField(
                        choices=[("USAGE", "Usage"), ("SCHEDULED", "Scheduled")],
                        default=engine.invoice_states.InvoiceType["USAGE"],
                        max_length=10,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("OPEN", "Open"), ("CLOSED", "Closed")],
                        default=engine.invoice_states.PeriodState["OPEN"],
                        max_length=10,
                    ),
                ),
                ("period_start", models.DateTimeField()),
                ("period_end", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("next_attempt_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
                ("draft_total", core.fields.ExactDecimalField(null=True)),
                ("draft_total_at", models.DateTimeField(null=True)),
                ("net_payment_terms_days", models.PositiveIntegerField(default=0)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("voided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billing_periods",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billing_periods",
                        to="customers.customer",
                    ),
                ),
                (
                    "payer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                    ),
                ),
                (
                    "reopened_from",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reopenings",
                        to="billing.billingperiod",
                    ),
                ),
            ],
            options={
                "ordering": ["-period_start", "-id"],
                "indexes": [
                    models.Index(fields=["customer", "-period_start", "-id"], name="billing_customer_idx"),
                    models.Index(
                        condition=models.Q(("state", "OPEN")), fields=["payer", "period_end"], name="billing_open_idx"
                    ),
                    models.Index(fields=["contract", "period_end"], name="billing_contract_idx"),
                    models.Index(
                        condition=models.Q(("state", "OPEN")),
                        fields=["next_attempt_at", "period_end"],
                        name="billing_due_idx",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("type", "USAGE"), ("voided_at__isnull", True)),
                        fields=("contract", "period_start"),
                        name="billing_period_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("reopened_from__isnull", True), ("state", "OPEN"), ("type", "SCHEDULED")),
                        fields=("contract", "period_start", "credit_type"),
                        name="billing_scheduled_once_per_date",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("voided_at__isnull", True)),
                        fields=("reopened_from",),
                        name="billing_period_reopened_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("period_start__lt", models.F("period_end")), ("type", "USAGE")),
                            models.Q(("period_start", models.F("period_end")), ("type", "SCHEDULED")),
                            _connector="OR",
                        ),
                        name="billing_period_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("state", "OPEN"), ("voided_at__isnull", True)),
                            models.Q(("closed_at__isnull", False), ("state", "CLOSED")),
                            _connector="OR",
                        ),
                        name="billing_period_closed_at",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
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
                        name="billing_period_total_finite",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BilledSubscription",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("starting_at", models.DateTimeField()),
                ("ordinal", models.PositiveIntegerField(default=1)),
                ("ending_before", models.DateTimeField()),
                ("quantity", core.fields.ExactDecimalField()),
                ("superseded", models.BooleanField(default=False)),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="billed", to="contracts.subscription"
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billed_subscriptions",
                        to="billing.billingperiod",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("superseded", False)),
                        fields=("subscription", "starting_at", "ordinal"),
                        name="subscription_charged_once",
                    ),
                    models.UniqueConstraint(
                        fields=("period", "subscription", "starting_at"), name="billed_subscription_once_per_period"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("starting_at__lt", models.F("ending_before"))),
                        name="billed_subscription_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ordinal__gte", 1)), name="billed_subscription_counts_from_one"
                    ),
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
                        ),
                        name="billed_subscription_finite",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BilledCharge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("moved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "charge",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billed",
                        to="charges.charge",
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billed_charges",
                        to="billing.billingperiod",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("moved_at__isnull", True)), fields=("charge",), name="charge_on_one_invoice"
                    ),
                    models.UniqueConstraint(fields=("charge", "period"), name="charge_once_on_an_invoice"),
                ],
            },
        ),
    ]
