"""The currencies that Metronome knows.

Only USD is stored in its minor unit (domain.md section 2); the others in whole units.
"""

import uuid

from django.db import migrations

USD = uuid.UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")
OTHERS = (
    *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "INR"),
    *("MXN", "NGN", "NOK", "NZD", "PLN", "SEK", "SGD", "TRY", "ZAR"),
)


def seed(apps, _schema_editor):
    CreditType = apps.get_model("catalog", "CreditType")
    CreditType.objects.create(id=USD, name="USD (cents)", code="USD", places=0, minor_digits=2, is_currency=True)
    CreditType.objects.bulk_create(
        CreditType(id=uuid.uuid5(USD, code), name=code, code=code, places=2, minor_digits=0, is_currency=True)
        for code in OTHERS
    )


def unseed(apps, _schema_editor):
    apps.get_model("catalog", "CreditType").objects.filter(is_currency=True).delete()


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_credit_types")]

    operations = [migrations.RunPython(seed, unseed)]
