"""Adjustments that staff ask for and decide on."""

import uuid

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
from django.conf import settings
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("balances", "0004_reservations_are_covered"),
        ("catalog", "0013_custom_rates"),
        ("customers", "0003_named_schedules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Adjustment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("credit_name", models.CharField(blank=True, default="", max_length=200)),
                ("access_from", models.DateTimeField(blank=True, null=True)),
                ("access_until", models.DateTimeField(blank=True, null=True)),
                ("amount", core.fields.ExactDecimalField()),
                ("worth", core.fields.ExactDecimalField(blank=True, null=True)),
                ("limit_worth", core.fields.ExactDecimalField()),
                ("by_maker", core.fields.ExactDecimalField()),
                ("for_customer", core.fields.ExactDecimalField()),
                (
                    "approval",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "within the limit"),
                            ("NO_WORTH", "what it is worth is not known"),
                            ("AMOUNT", "above the limit"),
                            ("MAKER_SUM", "above the limit with what the same person posted within 24 hours"),
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
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
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
                        ),
                        name="adjustment_numbers_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount", 0), _negated=True), name="adjustment_amount_not_zero"
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
                ],
            },
        ),
    ]
