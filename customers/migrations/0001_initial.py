"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DeliveryMethod",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "billing_provider",
                    models.CharField(
                        choices=[
                            ("aws_marketplace", "Aws Marketplace"),
                            ("stripe", "Stripe"),
                            ("netsuite", "Netsuite"),
                            ("custom", "Custom"),
                            ("azure_marketplace", "Azure Marketplace"),
                            ("quickbooks_online", "Quickbooks Online"),
                            ("workday", "Workday"),
                            ("gcp_marketplace", "Gcp Marketplace"),
                            ("metronome", "Metronome"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "delivery_method",
                    models.CharField(
                        choices=[
                            ("direct_to_billing_provider", "Direct"),
                            ("aws_sqs", "Aws Sqs"),
                            ("tackle", "Tackle"),
                            ("aws_sns", "Aws Sns"),
                        ],
                        max_length=30,
                    ),
                ),
                ("configuration", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("delivery_method", "direct_to_billing_provider")),
                        fields=("billing_provider",),
                        name="delivery_method_direct_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TestClock",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=160)),
                ("now_at", models.DateTimeField()),
                ("target_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(default="", max_length=160)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("target_at__isnull", True), ("target_at__gte", models.F("now_at")), _connector="OR"
                        ),
                        name="test_clock_goes_on",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=160)),
                ("salesforce_account_id", models.CharField(blank=True, default="", max_length=128)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("party", models.JSONField(blank=True, default=dict)),
                ("leave_stripe_invoices_in_draft", models.BooleanField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "test_clock",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="customers",
                        to="customers.testclock",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [models.Index(fields=["-created_at", "-id"], name="customer_page_idx")],
            },
        ),
        migrations.CreateModel(
            name="IngestAlias",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("alias", models.CharField(max_length=128)),
                ("position", models.PositiveIntegerField()),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="aliases", to="customers.customer"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "ingest aliases",
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(fields=("alias",), name="ingest_alias_once"),
                    models.CheckConstraint(
                        condition=models.Q(("alias", ""), _negated=True), name="ingest_alias_not_empty"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NamedScheduleEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("properties", models.JSONField(default=dict)),
                ("sequence", models.PositiveIntegerField()),
                ("starting_at", models.DateTimeField()),
                ("ending_before", models.DateTimeField(null=True)),
                ("value", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="named_schedule_entries",
                        to="customers.customer",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "named schedule entries",
                "ordering": ["sequence"],
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ending_before__isnull", True),
                            ("starting_at__lt", models.F("ending_before")),
                            _connector="OR",
                        ),
                        name="customers_named_schedule_ends_after_start",
                    ),
                    models.UniqueConstraint(
                        fields=("owner", "sequence"), name="customers_named_schedule_sequence_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderConfiguration",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("BILLING_PROVIDER", "Billing Provider"), ("REVENUE_SYSTEM", "Revenue System")],
                        default="BILLING_PROVIDER",
                        max_length=16,
                    ),
                ),
                ("configuration", models.JSONField(blank=True, default=dict)),
                ("tax_provider", models.CharField(blank=True, default="", max_length=10)),
                ("created_at", models.DateTimeField()),
                ("ordinal", models.PositiveSmallIntegerField(default=0)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provider_configurations",
                        to="customers.customer",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="customers.deliverymethod"
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "ordinal", "id"],
                "indexes": [models.Index(fields=["customer", "kind"], name="provider_config_customer_idx")],
            },
        ),
    ]
