from django.db import migrations

from core.custom_fields_sql import keeping
from core.sql_files import run_sql_files


class Migration(migrations.Migration):
    dependencies = [("core", "0002_database_rules"), ("charges", "0001_initial")]

    operations = [
        run_sql_files("charges", "charges_charge"),
        keeping("charges_scheduledcharge", "'scheduled_charge'"),
        keeping("charges_discount", "'discount'"),
    ]
