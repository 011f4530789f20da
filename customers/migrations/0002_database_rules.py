from django.db import migrations

from core.custom_fields_sql import keeping
from core.sql_files import run_sql_files
from customers.changes import noting


class Migration(migrations.Migration):
    dependencies = [("core", "0002_database_rules"), ("customers", "0001_initial")]

    operations = [
        run_sql_files("customers", "customers_change", "customers_testclock"),
        noting("customers_ingestalias"),
        keeping("customers_customer", "'customer'"),
    ]
