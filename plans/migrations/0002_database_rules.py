from django.db import migrations

from core.sql_files import run_sql_files


class Migration(migrations.Migration):
    dependencies = [("plans", "0001_initial"), ("core", "0002_database_rules")]

    operations = [run_sql_files("plans", "plans_planquote", "plans_unusedcredit")]
