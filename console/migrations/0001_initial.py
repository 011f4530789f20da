"""Made from the models by `make migrations`: change those, not this."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_initial"),
        ("customers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="EmbedOrigin",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("origin", models.CharField(max_length=255, unique=True)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "origin__regex",
                                "^(https://[a-z0-9-]+(\\.[a-z0-9-]+)*|http://(localhost|127\\.0\\.0\\.1))(:[0-9]{1,5})?$",
                            )
                        ),
                        name="embed_origin_is_an_origin",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EmbedSession",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("start", models.CharField(choices=[("CODE", "Code"), ("URL", "Url")], max_length=4)),
                ("start_hash", models.BinaryField(max_length=32, unique=True)),
                ("start_expires_at", models.DateTimeField()),
                ("start_used_at", models.DateTimeField(null=True)),
                ("origin", models.CharField(blank=True, default="", max_length=255)),
                ("scopes", models.JSONField(default=list)),
                ("options", models.JSONField(default=dict)),
                ("end_user", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "api_key",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="core.apikey"),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="embed_sessions",
                        to="customers.customer",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("created_at__lt", models.F("expires_at"))), name="embed_session_has_a_life"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DownloadLink",
            fields=[
                ("token_hash", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("path", models.CharField(max_length=200)),
                ("query", models.CharField(blank=True, default="", max_length=1000)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="downloads", to="console.embedsession"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("created_at__lt", models.F("expires_at"))), name="download_link_has_a_life"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                ("token_hash", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="console.embedsession"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("created_at__lt", models.F("expires_at"))), name="access_token_has_a_life"
                    )
                ],
            },
        ),
    ]
