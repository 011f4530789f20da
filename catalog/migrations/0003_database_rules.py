"""After the seeds, which nobody needs to have noted."""

from django.db import migrations

from core.custom_fields_sql import keeping
from core.sql_files import run_sql_files


class Migration(migrations.Migration):
    dependencies = [("core", "0002_database_rules"), ("catalog", "0002_fiat_credit_types")]

    operations = [
        run_sql_files("catalog", "catalog_ratecardalias", "catalog_package", "catalog_change"),
        keeping("catalog_billablemetric", "'billable_metric'"),
        keeping("catalog_product", "'contract_product'"),
        keeping("catalog_ratecard", "'rate_card'"),
    ]
