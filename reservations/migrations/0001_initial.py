"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0001_initial"),
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Spendable",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("live", core.fields.ExactDecimalField(default=0)),
                ("held", core.fields.ExactDecimalField(default=0)),
                ("committed", core.fields.ExactDecimalField(default=0)),
                ("as_of", models.DateTimeField(blank=True, null=True)),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("rounds", models.BigIntegerField(default=0)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "credit_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.credittype"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.customer"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "credit_type"), name="spendable_once_per_unit"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("live__isnull", True), models.Q(("live", "NaN"), _negated=True), _connector="OR"),
                            models.Q(
                                ("live__isnull", True), models.Q(("live", "Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("live__isnull", True), models.Q(("live", "-Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(("held__isnull", True), models.Q(("held", "NaN"), _negated=True), _connector="OR"),
                            models.Q(
                                ("held__isnull", True), models.Q(("held", "Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("held__isnull", True), models.Q(("held", "-Infinity"), _negated=True), _connector="OR"
                            ),
                            models.Q(
                                ("committed__isnull", True),
                                models.Q(("committed", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("committed__isnull", True),
                                models.Q(("committed", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("committed__isnull", True),
                                models.Q(("committed", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="spendable_sums_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("committed__gte", 0), ("held__gte", 0), ("live__gte", 0)),
                        name="spendable_sums_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("as_of__isnull", True), ("rounds", 0)),
                            models.Q(
                                ("as_of__isnull", False), ("rounds__gt", 0), ("valid_from__lt", models.F("valid_until"))
                            ),
                            _connector="OR",
                        ),
                        name="spendable_knows_its_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("HELD", "Held"),
                            ("COMMITTED", "Committed"),
                            ("SETTLED", "Settled"),
                            ("LAPSED", "Lapsed"),
                            ("RELEASED", "Released"),
                            ("EXPIRED", "Expired"),
                        ],
                        default="HELD",
                        max_length=9,
                    ),
                ),
                ("reserved", core.fields.ExactDecimalField()),
                ("amount", core.fields.ExactDecimalField()),
                ("transaction_id", models.CharField(blank=True, max_length=128, null=True)),
                ("uniqueness_key", models.CharField(blank=True, max_length=128, null=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("committed_at", models.DateTimeField(blank=True, null=True)),
                ("lapses_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "spendable",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reservations",
                        to="reservations.spendable",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["customer", "-created_at", "-id"], name="reservation_customer_idx"),
                    models.Index(
                        condition=models.Q(("status", "HELD")),
                        fields=["spendable", "expires_at"],
                        name="reservation_held_idx",
                    ),
                    models.Index(
                        condition=models.Q(("status", "COMMITTED")),
                        fields=["lapses_at"],
                        name="reservation_committed_idx",
                    ),
                    models.Index(
                        condition=models.Q(("status__in", ["HELD", "COMMITTED"]), ("transaction_id__isnull", False)),
                        fields=["spendable", "-created_at"],
                        name="reservation_waiting_idx",
                    ),
                    models.Index(
                        condition=models.Q(("ended_at__isnull", False)),
                        fields=["ended_at"],
                        name="reservation_ended_idx",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("reserved__isnull", True),
                                models.Q(("reserved", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("reserved__isnull", True),
                                models.Q(("reserved", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("reserved__isnull", True),
                                models.Q(("reserved", "-Infinity"), _negated=True),
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
                        name="reservation_amounts_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0), ("reserved__gt", 0)), name="reservation_amounts_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__lte", models.F("reserved"))), name="reservation_never_grows"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("created_at__lt", models.F("expires_at"))),
                        name="reservation_ends_after_start",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("transaction_id__isnull", False),
                            models.Q(("status__in", ["RELEASED", "EXPIRED"]), _negated=True),
                        ),
                        fields=("transaction_id",),
                        name="reservation_transaction_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("uniqueness_key__isnull", False)),
                        fields=("uniqueness_key",),
                        name="reservation_uniqueness_key_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["COMMITTED", "LAPSED"]), _negated=True),
                            models.Q(
                                ("committed_at__isnull", False),
                                ("lapses_at__isnull", False),
                                ("transaction_id__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="reservation_committed_to_an_event",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "SETTLED"), _negated=True),
                            ("transaction_id__isnull", False),
                            _connector="OR",
                        ),
                        name="reservation_settled_by_an_event",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("status__in", ["HELD", "COMMITTED"])),
                            models.Q(
                                ("ended_at__isnull", False),
                                models.Q(("status__in", ["HELD", "COMMITTED"]), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="reservation_knows_its_end",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpendableChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "spendable",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="reservations.spendable"
                    ),
                ),
            ],
        ),
    ]
