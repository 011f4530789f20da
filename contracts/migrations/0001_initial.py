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
            name="Contract",
            fields=[
                ("trial_starting_at", models.DateTimeField(blank=True, null=True)),
                ("trial_ending_before", models.DateTimeField(blank=True, null=True)),
                (
                    "trial_usage",
                    models.CharField(
                        blank=True, choices=[("FREE", "Free"), ("BILLED", "Billed")], default="", max_length=6
                    ),
                ),
                (
                    "trial_without_payment_method",
                    models.CharField(
                        blank=True,
                        choices=[("CONTINUE", "Continue"), ("EXPIRE", "Expire"), ("HOLD", "Hold")],
                        default="",
                        max_length=8,
                    ),
                ),
                (
                    "trial_outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("CONVERTED", "Converted"),
                            ("EXPIRED", "Expired"),
                            ("HELD", "Held"),
                            ("CANCELED", "Canceled"),
                        ],
                        default="",
                        max_length=9,
                    ),
                ),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("starting_at", models.DateTimeField()),
                ("ending_before", models.DateTimeField(blank=True, null=True)),
                (
                    "billing_frequency",
                    models.CharField(
                        choices=[
                            ("WEEKLY", "Weekly"),
                            ("MONTHLY", "Monthly"),
                            ("QUARTERLY", "Quarterly"),
                            ("ANNUAL", "Annual"),
                        ],
                        default="MONTHLY",
                        max_length=10,
                    ),
                ),
                (
                    "billing_day",
                    models.CharField(
                        choices=[
                            ("FIRST_OF_MONTH", "First Of Month"),
                            ("CONTRACT_START", "Contract Start"),
                            ("CUSTOM_DATE", "Custom Date"),
                        ],
                        default="FIRST_OF_MONTH",
                        max_length=16,
                    ),
                ),
                ("billing_anchor_at", models.DateTimeField()),
                ("invoice_generation_starting_at", models.DateTimeField(blank=True, null=True)),
                ("net_payment_terms_days", models.PositiveIntegerField(default=0)),
                (
                    "multiplier_override_prioritization",
                    models.CharField(
                        choices=[("LOWEST_MULTIPLIER", "Lowest Multiplier"), ("EXPLICIT", "Explicit")],
                        default="LOWEST_MULTIPLIER",
                        max_length=17,
                    ),
                ),
                (
                    "scheduled_charges_on_usage_invoices",
                    models.CharField(blank=True, choices=[("ALL", "All")], default="", max_length=3),
                ),
                (
                    "transition",
                    models.CharField(
                        blank=True,
                        choices=[("RENEWAL", "Renewal"), ("SUPERSEDE", "Supersede")],
                        default="",
                        max_length=9,
                    ),
                ),
                ("has_subscriptions", models.BooleanField(default=False, editable=False)),
                ("has_threshold_terms", models.BooleanField(default=False, editable=False)),
                ("has_usage_filters", models.BooleanField(default=False, editable=False)),
                ("uniqueness_key", models.CharField(blank=True, max_length=128, null=True)),
                ("custom_fields", models.JSONField(blank=True, default=dict)),
                ("netsuite_sales_order_id", models.CharField(blank=True, default="", max_length=200)),
                ("salesforce_opportunity_id", models.CharField(blank=True, default="", max_length=200)),
                ("total_contract_value", core.fields.ExactDecimalField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(default="", max_length=160)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="contracts", to="customers.customer"
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contracts",
                        to="catalog.package",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="contracts.contract",
                    ),
                ),
                (
                    "paying_customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "rate_card",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contracts",
                        to="catalog.ratecard",
                    ),
                ),
                (
                    "renews",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="renewals",
                        to="contracts.contract",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["customer", "starting_at"], name="contract_customer_idx"),
                    models.Index(
                        condition=models.Q(("trial_outcome__in", ["", "HELD"]), ("trial_starting_at__isnull", False)),
                        fields=["trial_ending_before"],
                        name="contract_trial_undecided_idx",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("trial_ending_before__isnull", True),
                                ("trial_outcome", ""),
                                ("trial_starting_at__isnull", True),
                                ("trial_usage", ""),
                                ("trial_without_payment_method", ""),
                            ),
                            models.Q(
                                ("trial_ending_before__isnull", False),
                                ("trial_starting_at__isnull", False),
                                models.Q(("trial_usage", ""), _negated=True),
                                models.Q(("trial_without_payment_method", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="contract_trial_is_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("trial_starting_at__isnull", True),
                            ("trial_starting_at__lt", models.F("trial_ending_before")),
                            _connector="OR",
                        ),
                        name="contract_trial_ends_after_start",
                    ),
                    models.UniqueConstraint(fields=("uniqueness_key",), name="contract_uniqueness_key_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ending_before__isnull", True),
                            ("starting_at__lt", models.F("ending_before")),
                            _connector="OR",
                        ),
                        name="contract_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("total_contract_value__isnull", True),
                                models.Q(("total_contract_value", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("total_contract_value__isnull", True),
                                models.Q(("total_contract_value", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("total_contract_value__isnull", True),
                                models.Q(("total_contract_value", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="contract_value_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("paying_customer__isnull", True), ("parent__isnull", False), _connector="OR"
                        ),
                        name="contract_payer_is_a_parent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("renews__isnull", True), ("transition", "")),
                            models.Q(("renews__isnull", False), models.Q(("transition", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="contract_transition_is_from_another",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ContractEdit",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("uniqueness_key", models.CharField(blank=True, max_length=128, null=True)),
                ("told", models.TextField(editable=False)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(default="", max_length=160)),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="edits", to="contracts.contract"
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("uniqueness_key",), name="contract_edit_uniqueness_key_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ContractProvider",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("BILLING_PROVIDER", "Billing Provider"), ("REVENUE_SYSTEM", "Revenue System")],
                        max_length=16,
                    ),
                ),
                ("effective_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="added_providers",
                        to="contracts.contractedit",
                    ),
                ),
                (
                    "configuration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.providerconfiguration",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="providers", to="contracts.contract"
                    ),
                ),
            ],
            options={
                "ordering": ["effective_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("contract", "kind", "effective_at"), name="contract_provider_once_at_a_time"
                    )
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
                        to="contracts.contract",
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
                        name="contracts_named_schedule_ends_after_start",
                    ),
                    models.UniqueConstraint(
                        fields=("owner", "sequence"), name="contracts_named_schedule_sequence_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Override",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("sequence", models.PositiveIntegerField(editable=False)),
                (
                    "type",
                    models.CharField(
                        blank=True,
                        choices=[("OVERWRITE", "Overwrite"), ("MULTIPLIER", "Multiplier"), ("TIERED", "Tiered")],
                        default="",
                        max_length=10,
                    ),
                ),
                ("starting_at", models.DateTimeField()),
                ("ending_before", models.DateTimeField(blank=True, null=True)),
                ("entitled", models.BooleanField(blank=True, null=True)),
                ("multiplier", core.fields.ExactDecimalField(null=True)),
                ("priority", core.fields.ExactDecimalField(null=True)),
                ("tiers", models.JSONField(default=list)),
                ("overwrite_rate", models.JSONField(null=True)),
                ("applicable_product_tags", models.JSONField(default=list)),
                ("override_specifiers", models.JSONField(default=list)),
                ("is_commit_specific", models.BooleanField(default=False)),
                (
                    "target",
                    models.CharField(
                        choices=[("LIST_RATE", "List Rate"), ("COMMIT_RATE", "Commit Rate")],
                        default="LIST_RATE",
                        max_length=11,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(default="", max_length=160)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="added_overrides",
                        to="contracts.contractedit",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="overrides", to="contracts.contract"
                    ),
                ),
                (
                    "overwrite_credit_type",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.credittype",
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
                    "removed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="removed_overrides",
                        to="contracts.contractedit",
                    ),
                ),
            ],
            options={
                "ordering": ["sequence"],
                "constraints": [
                    models.UniqueConstraint(fields=("contract", "sequence"), name="override_sequence_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("multiplier__isnull", True),
                                models.Q(("multiplier", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("multiplier__isnull", True),
                                models.Q(("multiplier", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("multiplier__isnull", True),
                                models.Q(("multiplier", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("priority__isnull", True),
                                models.Q(("priority", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="override_numbers_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ending_before__isnull", True),
                            ("starting_at__lt", models.F("ending_before")),
                            _connector="OR",
                        ),
                        name="override_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("multiplier__isnull", True), ("multiplier__gte", 0), _connector="OR"),
                            models.Q(("priority__isnull", True), ("priority__gt", 0), _connector="OR"),
                        ),
                        name="override_numbers_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("entitled__isnull", False),
                                ("multiplier__isnull", True),
                                ("overwrite_rate__isnull", True),
                                ("tiers", []),
                                ("type", ""),
                            ),
                            models.Q(
                                ("multiplier__isnull", True),
                                ("overwrite_rate__isnull", False),
                                ("tiers", []),
                                ("type", "OVERWRITE"),
                            ),
                            models.Q(
                                ("multiplier__isnull", False),
                                ("overwrite_rate__isnull", True),
                                ("tiers", []),
                                ("type", "MULTIPLIER"),
                            ),
                            models.Q(
                                ("multiplier__isnull", True),
                                ("overwrite_rate__isnull", True),
                                ("priority__isnull", False),
                                ("type", "TIERED"),
                                models.Q(("tiers", []), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="override_fits_its_type",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("override_specifiers", []),
                            models.Q(("applicable_product_tags", []), ("product__isnull", True)),
                            _connector="OR",
                        ),
                        name="override_specifiers_stand_alone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("target", "LIST_RATE"), ("is_commit_specific", True), _connector="OR"),
                        name="override_of_commit_rate_is_specific",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RenewalDecision",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("term_end", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[("RENEWED", "Renewed"), ("NOTIFIED", "Notified"), ("SKIPPED", "Skipped")], max_length=8
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("POLICY", "Policy"),
                            ("WITHDRAWN", "Withdrawn"),
                            ("ENDED_EARLIER", "Ended Earlier"),
                            ("CONTRACT_ARCHIVED", "Contract Archived"),
                            ("CUSTOMER_ARCHIVED", "Customer Archived"),
                            ("RENEWED_BY_HAND", "Renewed By Hand"),
                        ],
                        max_length=17,
                    ),
                ),
                ("policy", models.JSONField(default=dict)),
                ("decided_at", models.DateTimeField()),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="renewal_decisions",
                        to="contracts.contract",
                    ),
                ),
                (
                    "new_contract",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="made_by_renewal",
                        to="contracts.contract",
                    ),
                ),
            ],
            options={
                "ordering": ["term_end", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("contract", "term_end"), name="renewal_decided_once_per_term"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("new_contract__isnull", False), ("outcome", "RENEWED"), ("reason", "POLICY")),
                            models.Q(("new_contract__isnull", True), ("outcome", "NOTIFIED"), ("reason", "POLICY")),
                            models.Q(
                                ("new_contract__isnull", True),
                                ("outcome", "SKIPPED"),
                                models.Q(("reason", "POLICY"), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="renewal_decision_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RenewalPolicy",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("SAME_TERMS", "Same Terms"), ("NOTIFY_ONLY", "Notify Only")], max_length=11
                    ),
                ),
                ("term_months", models.PositiveIntegerField(blank=True, null=True)),
                ("anchor_at", models.DateTimeField()),
                ("uplift_percent", core.fields.ExactDecimalField(default=0)),
                (
                    "price_list",
                    models.CharField(
                        choices=[("CONTRACT", "Contract"), ("OF_THE_DAY", "Of The Day")],
                        default="CONTRACT",
                        max_length=10,
                    ),
                ),
                ("notice_days", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[("ACTIVE", "Active"), ("WITHDRAWN", "Withdrawn"), ("DECIDED", "Decided")],
                        default="ACTIVE",
                        max_length=9,
                    ),
                ),
                ("agreed_end", models.DateTimeField(blank=True, null=True)),
                ("noticed_at", models.DateTimeField(blank=True, null=True)),
                ("next_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                (
                    "contract",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="renewal_policy",
                        to="contracts.contract",
                    ),
                ),
            ],
            options={
                "ordering": ["agreed_end", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("uplift_percent__isnull", True),
                                models.Q(("uplift_percent", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("uplift_percent__isnull", True),
                                models.Q(("uplift_percent", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("uplift_percent__isnull", True),
                                models.Q(("uplift_percent", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="renewal_policy_uplift_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("uplift_percent__gte", -100)), name="renewal_policy_price_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "SAME_TERMS"), ("term_months__gte", 1)),
                            models.Q(("kind", "NOTIFY_ONLY"), ("term_months__isnull", True)),
                            _connector="OR",
                        ),
                        name="renewal_policy_has_a_term_where_it_renews",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "DECIDED"), _negated=True), ("next_at__isnull", True), _connector="OR"
                        ),
                        name="renewal_policy_decided_is_at_rest",
                    ),
                ],
            },
        ),
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
                "constraints": [
                    models.UniqueConstraint(fields=("contract", "sequence"), name="subscription_sequence_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ending_before__isnull", True),
                            ("starting_at__lt", models.F("ending_before")),
                            _connector="OR",
                        ),
                        name="subscription_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("collection_schedule", "ADVANCE"),
                            models.Q(
                                ("billing_anchor_at__isnull", True),
                                ("invoice_behavior", "BILL_ON_NEXT_COLLECTION_DATE"),
                            ),
                            _connector="OR",
                        ),
                        name="subscription_in_arrears_waits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("quantity_management_mode", "QUANTITY_ONLY"), ("seat_group_key", "")),
                            models.Q(
                                ("quantity_management_mode", "SEAT_BASED"),
                                models.Q(("seat_group_key", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="subscription_of_seats_names_their_key",
                    ),
                ],
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
                "constraints": [
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
                        name="subscription_change_finite",
                    ),
                    models.CheckConstraint(
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
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageFilter",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("group_key", models.CharField(max_length=200)),
                ("group_values", models.JSONField()),
                ("starting_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(blank=True, default="", max_length=160)),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="usage_filters",
                        to="contracts.contract",
                    ),
                ),
            ],
            options={
                "ordering": ["starting_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("contract", "starting_at"), name="usage_filter_once_at_a_time"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("group_key", ""), _negated=True), models.Q(("group_values", []), _negated=True)
                        ),
                        name="usage_filter_says_what",
                    ),
                ],
            },
        ),
    ]
