"""Which invoice holds which charge, as a row that points at both."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

FORWARD = (Path(__file__).parents[1] / "sql" / "invoices_billedcharge.sql").read_text()
BACKWARD = """
DROP TRIGGER invoices_billedcharge_guard ON invoices_billedcharge;
DROP FUNCTION invoices_billedcharge_guard();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("charges", "0001_initial"),
        ("invoices", "0006_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="BilledCharge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("moved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "charge",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billed",
                        to="charges.charge",
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billed_charges",
                        to="invoices.invoice",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("moved_at__isnull", True)), fields=("charge",), name="charge_on_one_invoice"
                    ),
                    models.UniqueConstraint(fields=("charge", "invoice"), name="charge_once_on_an_invoice"),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
