"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("balances", "0001_initial"),
        ("catalog", "0001_initial"),
        ("contracts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlanQuote",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("operation", models.CharField(choices=[("CHANGE", "Change"), ("CANCEL", "Cancel")], max_length=6)),
                (
                    "direction",
                    models.CharField(blank=True, choices=[("UP", "Up"), ("DOWN", "Down")], default="", max_length=4),
                ),
                (
                    "asked_when",
                    models.CharField(
                        blank=True, choices=[("NOW", "Now"), ("PERIOD_END", "Period End")], default="", max_length=10
                    ),
                ),
                (
                    "quantities",
                    models.CharField(
                        choices=[("PACKAGE", "Package"), ("KEEP", "Keep")], default="PACKAGE", max_length=7
                    ),
                ),
                ("unused", models.CharField(choices=[("CREDIT", "Credit"), ("FORFEIT", "Forfeit")], max_length=7)),
                ("effective_at", models.DateTimeField()),
                ("old_unused", core.fields.ExactDecimalField()),
                ("new_rest", core.fields.ExactDecimalField()),
                ("due_now", core.fields.ExactDecimalField()),
                ("next_at", models.DateTimeField(blank=True, null=True)),
                ("next_amount", core.fields.ExactDecimalField(blank=True, null=True)),
                ("previous_end", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                ("expires_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="plan_quotes", to="contracts.contract"
                    ),
                ),
                (
                    "credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
                (
                    "new_contract",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="made_by_plan_change",
                        to="contracts.contract",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.package",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("old_unused__isnull", True),
                                models.Q(("old_unused", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("old_unused__isnull", True),
                                models.Q(("old_unused", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("old_unused__isnull", True),
                                models.Q(("old_unused", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("new_rest__isnull", True),
                                models.Q(("new_rest", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("new_rest__isnull", True),
                                models.Q(("new_rest", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("new_rest__isnull", True),
                                models.Q(("new_rest", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("due_now__isnull", True), models.Q(("due_now", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("due_now__isnull", True),
                                models.Q(("due_now", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("due_now__isnull", True),
                                models.Q(("due_now", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("next_amount__isnull", True),
                                models.Q(("next_amount", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("next_amount__isnull", True),
                                models.Q(("next_amount", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("next_amount__isnull", True),
                                models.Q(("next_amount", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="plan_quote_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("due_now__gte", 0), ("new_rest__gte", 0), ("old_unused__gte", 0)),
                        name="plan_quote_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("operation", "CHANGE"),
                                ("package__isnull", False),
                                models.Q(("direction", ""), _negated=True),
                            ),
                            models.Q(
                                ("direction", ""),
                                ("new_contract__isnull", True),
                                ("operation", "CANCEL"),
                                ("package__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="plan_quote_says_to_what",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at__isnull", True), ("new_contract__isnull", True)),
                            models.Q(
                                ("confirmed_at__lte", models.F("expires_at")),
                                models.Q(("operation", "CANCEL"), ("new_contract__isnull", False), _connector="OR"),
                            ),
                            _connector="OR",
                        ),
                        name="plan_quote_is_confirmed_in_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UnusedCredit",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("line_id", models.UUIDField()),
                ("charged", core.fields.ExactDecimalField()),
                ("amount", core.fields.ExactDecimalField()),
                (
                    "balance",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="balances.balance"
                    ),
                ),
                (
                    "quote",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="credits", to="plans.planquote"
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="contracts.subscription"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("charged__isnull", True), models.Q(("charged", "NaN"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("charged__isnull", True),
                                models.Q(("charged", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("charged__isnull", True),
                                models.Q(("charged", "-Infinity"), _negated=True),
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
                        ),
                        name="unused_credit_finite",
                    ),
                    models.UniqueConstraint(fields=("line_id",), name="unused_credit_once_per_charge"),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0), ("amount__lte", models.F("charged"))),
                        name="unused_credit_within_what_was_charged",
                    ),
                ],
            },
        ),
    ]
