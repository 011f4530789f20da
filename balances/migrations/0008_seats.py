"""Grants for the seats of subscriptions, pooled or each for itself."""

import django.db.models.deletion
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("balances", "0007_ledger_checks"),
        ("catalog", "0013_custom_rates"),
        ("contracts", "0006_subscriptions"),
    ]

    operations = [
        migrations.AddField(
            model_name="recurringgrant",
            name="allocation",
            field=models.CharField(
                blank=True, choices=[("POOLED", "Pooled"), ("INDIVIDUAL", "Individual")], default="", max_length=10
            ),
        ),
        migrations.AddField(
            model_name="recurringgrant",
            name="seat_increase_is_prorated",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="recurringgrant",
            name="subscription",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="recurring_grants",
                to="contracts.subscription",
            ),
        ),
        migrations.AddField(
            model_name="segment",
            name="seat_granted",
            field=core.fields.ExactDecimalField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="segment",
            name="seat_group_key",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="segment",
            name="seat_id",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddConstraint(
            model_name="recurringgrant",
            constraint=models.CheckConstraint(
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
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.CheckConstraint(
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
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("seat_id", ""), _negated=True),
                fields=("owner", "seat_group_key", "seat_id"),
                name="segment_once_per_seat",
            ),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("seat_group_key", ""), ("seat_id", "")),
                    models.Q(models.Q(("seat_group_key", ""), _negated=True), models.Q(("seat_id", ""), _negated=True)),
                    _connector="OR",
                ),
                name="segment_names_its_seat",
            ),
        ),
    ]
