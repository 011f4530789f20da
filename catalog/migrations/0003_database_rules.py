"""After the seeds, which nobody needs to have noted."""

from django.db import migrations

from core.sql_files import run_sql_files


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_fiat_credit_types")]

    operations = [run_sql_files("catalog", "catalog_ratecardalias", "catalog_package", "catalog_change")]
