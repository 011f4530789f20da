"""Charges of a date may stand on the usage invoice that ends then."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0003_named_schedules"),
    ]

    operations = [
        migrations.AddField(
            model_name="contract",
            name="scheduled_charges_on_usage_invoices",
            field=models.CharField(blank=True, choices=[("ALL", "All")], default="", max_length=3),
        ),
    ]
