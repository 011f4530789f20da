from django.db import migrations

from core.custom_fields_sql import keeping
from core.sql_files import run_sql_files
from customers.changes import noting

# What is kept for lists and for trying again: changes of these alone change nothing that was agreed or booked.
BESIDE = ("draft_total", "draft_total_at", "next_attempt_at", "attempts", "last_error", "custom_fields")


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_database_rules"),
        ("billing", "0001_initial"),
        ("charges", "0002_database_rules"),
        ("customers", "0002_database_rules"),
    ]

    operations = [
        run_sql_files("billing", "billing_billingperiod", "billing_billedsubscription", "billing_billedcharge"),
        # What a closed period holds is written with it. Who pays keeps what is kept of it, whoever used.
        noting("billing_billingperiod", "r.payer_id", unless=BESIDE),
        keeping("billing_billingperiod", "'invoice'"),
    ]
