from django.db import migrations

from core.sql_files import run_sql_files


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_database_rules"),
        ("core", "0002_database_rules"),
        ("invoices", "0001_initial"),
    ]

    operations = [
        run_sql_files(
            "invoices",
            "invoices_invoice",
            "invoices_invoiceline",
            "invoices_invoicedocument",
            "invoices_settlement",
            "invoices_invoicelisting",
        ),
    ]
