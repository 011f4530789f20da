from django.db import migrations

from core.sql_files import run_sql_files


class Migration(migrations.Migration):
    dependencies = [("balances", "0002_database_rules"), ("reservations", "0001_initial")]

    operations = [
        run_sql_files(
            "reservations", "reservations_spendable", "reservations_reservation", "reservations_spendablechange"
        )
    ]
