"""Lines say which subscription they charge for."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0006_subscriptions"),
        ("invoices", "0004_balances_pay"),
    ]

    operations = [
        migrations.AddField(
            model_name="invoiceline",
            name="subscription",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="contracts.subscription"
            ),
        ),
    ]
