"""What the reconciler found each time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("balances", "0006_adjustments_are_decided_once")]
    operations = [
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("checked_at", models.DateTimeField(db_index=True)),
                ("segments", models.PositiveBigIntegerField()),
                ("differing", models.JSONField(blank=True, default=list)),
                ("differing_count", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
    ]
