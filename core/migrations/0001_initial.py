"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=160)),
                ("prefix", models.CharField(max_length=24)),
                ("last4", models.CharField(max_length=4)),
                ("key_hash", models.BinaryField(max_length=32, unique=True)),
                ("scopes", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("adjustment_limit", core.fields.ExactDecimalField(blank=True, null=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "ordering": ["-created_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("adjustment_limit__isnull", True),
                                models.Q(("adjustment_limit", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("adjustment_limit__isnull", True),
                                models.Q(("adjustment_limit", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("adjustment_limit__isnull", True),
                                models.Q(("adjustment_limit", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="api_key_limit_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("adjustment_limit__isnull", True), ("adjustment_limit__gte", 0), _connector="OR"
                        ),
                        name="api_key_limit_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("made_by__isnull", True), ("adjustment_limit__isnull", False), _connector="OR"
                        ),
                        name="api_key_of_a_person_has_a_limit",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalRequest",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("act", models.CharField(max_length=60)),
                ("subject_type", models.CharField(max_length=40)),
                ("subject_id", models.UUIDField()),
                ("title", models.CharField(max_length=300)),
                ("parameters", models.JSONField(default=dict)),
                ("worth", core.fields.ExactDecimalField(blank=True, null=True)),
                ("limit_worth", core.fields.ExactDecimalField(blank=True, null=True)),
                ("reason", models.CharField(max_length=1000)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Waits"),
                            ("DONE", "Done"),
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
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at", "-id"],
                "indexes": [
                    models.Index(fields=["-made_at", "-id"], name="approval_newest_idx"),
                    models.Index(
                        condition=models.Q(("status", "PENDING")), fields=["made_at"], name="approval_waiting_idx"
                    ),
                    models.Index(
                        condition=models.Q(("account__isnull", False), ("status", "DONE")),
                        fields=["account", "decided_at"],
                        name="approval_account_idx",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
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
                        ),
                        name="approval_numbers_finite",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "PENDING")),
                        fields=("act", "subject_type", "subject_id"),
                        name="approval_waits_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["PENDING", "WITHDRAWN"]),
                            models.Q(
                                ("decided_by__isnull", False),
                                models.Q(("decided_by", models.F("made_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="approval_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by__isnull", True),
                            ("account__isnull", True),
                            models.Q(("decided_by", models.F("account")), _negated=True),
                            _connector="OR",
                        ),
                        name="approval_not_about_the_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("status", "PENDING")),
                            models.Q(models.Q(("status", "PENDING"), _negated=True), ("decided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="approval_decision_is_dated",
                    ),
                    models.CheckConstraint(condition=models.Q(("reason", ""), _negated=True), name="approval_says_why"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("action", models.CharField(max_length=80)),
                ("subject_type", models.CharField(max_length=40)),
                ("subject_id", models.UUIDField()),
                ("detail", models.JSONField(default=dict)),
                ("reason", models.TextField(blank=True, default="")),
                ("request_id", models.CharField(blank=True, default="", max_length=64)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("user_agent", models.CharField(blank=True, default="", max_length=200)),
                (
                    "api_key",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="core.apikey"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "indexes": [
                    models.Index(fields=["subject_type", "subject_id", "id"], name="audit_subject_idx"),
                    models.Index(fields=["at", "id"], name="audit_time_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomFieldKey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("entity", models.CharField(max_length=30)),
                ("key", models.CharField(max_length=100)),
                ("enforce_uniqueness", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["entity", "key"],
                "constraints": [models.UniqueConstraint(fields=("entity", "key"), name="custom_field_key_once")],
            },
        ),
        migrations.CreateModel(
            name="CustomFieldValue",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("entity", models.CharField(max_length=30)),
                ("key", models.CharField(max_length=100)),
                ("value", models.CharField(max_length=200)),
                ("record_id", models.UUIDField()),
            ],
            options={
                "indexes": [models.Index(fields=["entity", "record_id"], name="custom_field_record_idx")],
                "constraints": [
                    models.UniqueConstraint(fields=("entity", "key", "value"), name="custom_field_value_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotentRequest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=255)),
                ("request_hash", models.BinaryField(max_length=32)),
                (
                    "state",
                    models.CharField(
                        choices=[("RUNNING", "Running"), ("COMMITTED", "Committed"), ("ANSWERED", "Answered")],
                        default="RUNNING",
                        max_length=10,
                    ),
                ),
                ("started_at", models.DateTimeField(db_index=True)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("content_type", models.CharField(default="", max_length=100)),
                ("body", models.BinaryField(default=b"")),
                ("api_key", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="core.apikey")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("api_key", "key"), name="idempotent_request_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "ANSWERED"), _negated=True), ("status__isnull", False), _connector="OR"
                        ),
                        name="idempotent_request_has_answer",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("xact", core.fields.TransactionIdField(db_default=core.fields.CurrentTransactionId(), editable=False)),
                ("name", models.CharField(max_length=80)),
                ("version", models.PositiveSmallIntegerField()),
                ("subject_type", models.CharField(max_length=40)),
                ("subject_id", models.UUIDField()),
                ("customer_id", models.UUIDField(null=True)),
                ("payload", models.JSONField(default=dict)),
                ("occurred_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "domain event",
                "indexes": [
                    models.Index(fields=["xact", "id"], name="outbox_order_idx"),
                    models.Index(fields=["subject_type", "subject_id", "id"], name="outbox_subject_idx"),
                    models.Index(fields=["customer_id", "id"], name="outbox_customer_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PasswordLink",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("wanted_at", models.DateTimeField()),
                ("try_at", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-wanted_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("try_at__isnull", False)), fields=["try_at"], name="password_link_due_idx"
                    ),
                    models.Index(fields=["user", "-wanted_at"], name="password_link_user_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sent_at__isnull", True), ("try_at__isnull", True), _connector="OR"),
                        name="password_link_sent_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SoloAct",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("act", models.CharField(max_length=60)),
                ("subject_type", models.CharField(max_length=40)),
                ("subject_id", models.UUIDField()),
                ("worth", core.fields.ExactDecimalField()),
                ("limit_worth", core.fields.ExactDecimalField()),
                ("at", models.DateTimeField()),
                (
                    "api_key",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.apikey"
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["made_by", "at"], name="solo_act_person_idx"),
                    models.Index(
                        condition=models.Q(("api_key__isnull", False)),
                        fields=["api_key", "at"],
                        name="solo_act_key_idx",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
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
                        ),
                        name="solo_act_numbers_finite",
                    ),
                    models.CheckConstraint(condition=models.Q(("worth__gt", 0)), name="solo_act_is_worth_something"),
                    models.CheckConstraint(
                        condition=models.Q(("worth__lte", models.F("limit_worth"))), name="solo_act_within_the_limit"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("made_by__isnull", False), ("api_key__isnull", False), _connector="OR"),
                        name="solo_act_is_somebodys",
                    ),
                ],
            },
        ),
    ]
