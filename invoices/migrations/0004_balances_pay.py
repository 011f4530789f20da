"""Lines say which balance pays; SCHEDULED invoices charge for a date and have no period."""

import django.db.models.deletion
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("balances", "0002_ledger_is_append_only"),
        ("catalog", "0012_named_schedules"),
        ("contracts", "0003_named_schedules"),
        ("customers", "0003_named_schedules"),
        ("invoices", "0003_lines_in_their_own_unit"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="invoice",
            name="invoice_once_per_period",
        ),
        migrations.RemoveConstraint(
            model_name="invoice",
            name="invoice_period_not_empty",
        ),
        migrations.RemoveConstraint(
            model_name="invoiceline",
            name="invoice_line_amounts_finite",
        ),
        migrations.AddField(
            model_name="invoiceline",
            name="commit",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="balances.balance"
            ),
        ),
        migrations.AddField(
            model_name="invoiceline",
            name="commit_segment",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="balances.segment"
            ),
        ),
        migrations.AddField(
            model_name="invoiceline",
            name="commit_type",
            field=models.CharField(blank=True, default="", max_length=20),
        ),
        migrations.AddField(
            model_name="invoiceline",
            name="quantity_consumed",
            field=core.fields.ExactDecimalField(null=True),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "USAGE"), models.Q(("status", "VOID"), _negated=True)),
                fields=("contract", "kind", "period_start"),
                name="invoice_once_per_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "SCHEDULED"), ("regenerated_from__isnull", True), ("status", "DRAFT")),
                fields=("contract", "period_start", "credit_type"),
                name="invoice_scheduled_once_per_date",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "USAGE"), ("period_start__lt", models.F("period_end"))),
                    models.Q(("kind", "SCHEDULED"), ("period_start", models.F("period_end"))),
                    _connector="OR",
                ),
                name="invoice_period_not_empty",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quantity__isnull", True), models.Q(("quantity", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("quantity__isnull", True), models.Q(("quantity", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("quantity__isnull", True), models.Q(("quantity", "-Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("unit_price__isnull", True), models.Q(("unit_price", "NaN"), _negated=True), _connector="OR"
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
                    models.Q(("total__isnull", True), models.Q(("total", "NaN"), _negated=True), _connector="OR"),
                    models.Q(("total__isnull", True), models.Q(("total", "Infinity"), _negated=True), _connector="OR"),
                    models.Q(("total__isnull", True), models.Q(("total", "-Infinity"), _negated=True), _connector="OR"),
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
        ),
    ]
