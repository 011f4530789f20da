from django.db import migrations

from catalog.seeds import seed_fiat_credit_types


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [migrations.RunPython(seed_fiat_credit_types)]
