from django.db import migrations

from core.sql_files import run_sql_files


class Migration(migrations.Migration):
    dependencies = [("charges", "0001_initial")]

    operations = [run_sql_files("charges", "charges_charge")]
