"""A contract may renew another one."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0004_scheduled_charges_on_usage_invoices"),
    ]

    operations = [
        migrations.AddField(
            model_name="contract",
            name="renews",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="renewals",
                to="contracts.contract",
            ),
        ),
    ]
