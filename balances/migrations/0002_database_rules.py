from django.db import migrations

from core.custom_fields_sql import keeping
from core.sql_files import run_sql_files
from customers.changes import noting

OF_BALANCE = "(SELECT customer_id FROM balances_balance WHERE id = r.owner_id)"


class Migration(migrations.Migration):
    dependencies = [
        ("balances", "0001_initial"),
        ("core", "0002_database_rules"),
        ("customers", "0002_database_rules"),
    ]

    operations = [
        run_sql_files(
            "balances",
            "balances_ledgerentry",
            "balances_segment",
            "balances_keygift",
            "balances_adjustment",
            "balances_thresholdterms",
        ),
        noting("balances_balance"),
        noting("balances_segment", OF_BALANCE),
        keeping("balances_balance", "CASE WHEN NEW.kind = 'CREDIT' THEN 'contract_credit' ELSE 'commit' END"),
    ]
