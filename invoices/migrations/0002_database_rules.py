from django.db import migrations

from core.sql_files import run_sql_files
from customers.changes import noting

# What is kept for lists and for trying again: changes of these alone change nothing that was agreed or booked.
BESIDE = ("draft_total", "draft_total_at", "next_attempt_at", "attempts", "last_error")


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_database_rules"),
        ("customers", "0002_database_rules"),
        ("invoices", "0001_initial"),
    ]

    operations = [
        run_sql_files("invoices", "invoices_invoice", "invoices_invoiceline", "invoices_invoicedocument"),
        # An invoice's lines are written with it.
        noting("invoices_invoice", unless=BESIDE),
    ]
