"""What is invoiced for a balance is a charge of `charges`."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("balances", "0012_earlier_terms_of_recurring_grants"),
        ("charges", "0001_initial"),
    ]

    operations = [
        migrations.DeleteModel(
            name="InvoiceItem",
        ),
    ]
