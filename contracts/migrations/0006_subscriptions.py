"""Subscriptions, and their changes, which are only appended."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import core.fields

FORWARD = """
CREATE TRIGGER contracts_subscriptionchange_append_only BEFORE UPDATE OR DELETE ON contracts_subscriptionchange
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
"""
BACKWARD = "DROP TRIGGER contracts_subscriptionchange_append_only ON contracts_subscriptionchange;"


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_append_only"),
        ("catalog", "0013_custom_rates"),
        ("contracts", "0005_renewals"),
    ]

    operations = [
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("sequence", models.PositiveIntegerField(editable=False)),
                (
                    "billing_frequency",
                    models.CharField(
                        choices=[
                            ("WEEKLY", "Weekly"),
                            ("MONTHLY", "Monthly"),
                            ("QUARTERLY", "Quarterly"),
                            ("ANNUAL", "Annual"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "collection_schedule",
                    models.CharField(choices=[("ADVANCE", "Advance"), ("ARREARS", "Arrears")], max_length=7),
                ),
                ("is_prorated", models.BooleanField(default=True)),
                (
                    "invoice_behavior",
                    models.CharField(
                        choices=[
                            ("BILL_IMMEDIATELY", "Bill Immediately"),
                            ("BILL_ON_NEXT_COLLECTION_DATE", "Bill On Next Collection Date"),
                        ],
                        default="BILL_ON_NEXT_COLLECTION_DATE",
                        max_length=28,
                    ),
                ),
                ("proration_rounding", models.JSONField(blank=True, default=dict)),
                (
                    "invoice_placement",
                    models.CharField(
                        choices=[
                            ("ON_USAGE_INVOICE", "On Usage Invoice"),
                            ("ON_SCHEDULED_INVOICE", "On Scheduled Invoice"),
                        ],
                        default="ON_USAGE_INVOICE",
                        max_length=20,
                    ),
                ),
                ("billing_anchor_at", models.DateTimeField(blank=True, null=True)),
                ("starting_at", models.DateTimeField()),
                ("ending_before", models.DateTimeField(blank=True, null=True)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("description", models.CharField(blank=True, default="", max_length=1000)),
                (
                    "quantity_management_mode",
                    models.CharField(
                        choices=[("QUANTITY_ONLY", "Quantity Only"), ("SEAT_BASED", "Seat Based")],
                        default="QUANTITY_ONLY",
                        max_length=13,
                    ),
                ),
                ("seat_group_key", models.CharField(blank=True, default="", max_length=200)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="added_subscriptions",
                        to="contracts.contractedit",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="contracts.contract",
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
            },
        ),
        migrations.CreateModel(
            name="SubscriptionChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("SET", "Set"),
                            ("DELTA", "Delta"),
                            ("ADD_SEATS", "Add Seats"),
                            ("REMOVE_SEATS", "Remove Seats"),
                            ("ADD_UNASSIGNED", "Add Unassigned"),
                            ("REMOVE_UNASSIGNED", "Remove Unassigned"),
                        ],
                        max_length=17,
                    ),
                ),
                ("starting_at", models.DateTimeField()),
                ("quantity", core.fields.ExactDecimalField(null=True)),
                ("seat_ids", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscription_changes",
                        to="contracts.contractedit",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="contracts.subscription"
                    ),
                ),
            ],
            options={
                "ordering": ["starting_at", "id"],
            },
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(fields=("contract", "sequence"), name="subscription_sequence_once"),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ending_before__isnull", True), ("starting_at__lt", models.F("ending_before")), _connector="OR"
                ),
                name="subscription_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("collection_schedule", "ADVANCE"),
                    models.Q(("billing_anchor_at__isnull", True), ("invoice_behavior", "BILL_ON_NEXT_COLLECTION_DATE")),
                    _connector="OR",
                ),
                name="subscription_in_arrears_waits",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quantity_management_mode", "QUANTITY_ONLY"), ("seat_group_key", "")),
                    models.Q(
                        ("quantity_management_mode", "SEAT_BASED"), models.Q(("seat_group_key", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="subscription_of_seats_names_their_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriptionchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quantity__isnull", True), models.Q(("quantity", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("quantity__isnull", True), models.Q(("quantity", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("quantity__isnull", True), models.Q(("quantity", "-Infinity"), _negated=True), _connector="OR"
                    ),
                ),
                name="subscription_change_finite",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriptionchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind__in", ["ADD_SEATS", "REMOVE_SEATS"]),
                        ("quantity__isnull", True),
                        models.Q(("seat_ids", []), _negated=True),
                    ),
                    models.Q(("kind", "DELTA"), ("quantity__isnull", False), ("seat_ids", [])),
                    models.Q(
                        ("kind__in", ["SET", "ADD_UNASSIGNED", "REMOVE_UNASSIGNED"]),
                        ("quantity__gte", 0),
                        ("seat_ids", []),
                    ),
                    _connector="OR",
                ),
                name="subscription_change_fits_its_kind",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
