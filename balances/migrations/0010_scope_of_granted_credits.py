"""What a credit that is asked for may pay for, on which contract, and before which others."""

import django.db.models.deletion
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("balances", "0009_changes"),
        ("contracts", "0007_changes"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="adjustment",
            name="adjustment_numbers_finite",
        ),
        migrations.AddField(
            model_name="adjustment",
            name="applicable_product_ids",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="adjustment",
            name="applicable_product_tags",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="adjustment",
            name="contract",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="contracts.contract",
            ),
        ),
        migrations.AddField(
            model_name="adjustment",
            name="priority",
            field=core.fields.ExactDecimalField(default=100),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount__isnull", True), models.Q(("amount", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("amount__isnull", True), models.Q(("amount", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("amount__isnull", True), models.Q(("amount", "-Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(("worth__isnull", True), models.Q(("worth", "NaN"), _negated=True), _connector="OR"),
                    models.Q(("worth__isnull", True), models.Q(("worth", "Infinity"), _negated=True), _connector="OR"),
                    models.Q(("worth__isnull", True), models.Q(("worth", "-Infinity"), _negated=True), _connector="OR"),
                    models.Q(
                        ("limit_worth__isnull", True), models.Q(("limit_worth", "NaN"), _negated=True), _connector="OR"
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
                    models.Q(("by_maker__isnull", True), models.Q(("by_maker", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("by_maker__isnull", True), models.Q(("by_maker", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("by_maker__isnull", True), models.Q(("by_maker", "-Infinity"), _negated=True), _connector="OR"
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
                    models.Q(("priority__isnull", True), models.Q(("priority", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("priority__isnull", True), models.Q(("priority", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("priority__isnull", True), models.Q(("priority", "-Infinity"), _negated=True), _connector="OR"
                    ),
                ),
                name="adjustment_numbers_finite",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("segment__isnull", True),
                    models.Q(
                        ("applicable_product_ids", []), ("applicable_product_tags", []), ("contract__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="adjustment_scope_is_of_a_credit",
            ),
        ),
    ]
