from django.db import migrations

from core.custom_fields_sql import keeping
from core.sql_files import run_sql_files
from customers.changes import noting

OF_CONTRACT = "(SELECT customer_id FROM contracts_contract WHERE id = r.contract_id)"
OF_SUBSCRIPTION = (
    "(SELECT c.customer_id FROM contracts_subscription s JOIN contracts_contract c ON c.id = s.contract_id"
    " WHERE s.id = r.subscription_id)"
)


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0001_initial"),
        ("core", "0002_database_rules"),
        ("customers", "0002_database_rules"),
    ]

    operations = [
        run_sql_files(
            "contracts",
            "contracts_contract",
            "contracts_contractedit",
            "contracts_subscriptionchange",
            "contracts_renewaldecision",
        ),
        noting("contracts_contract"),
        noting("contracts_override", OF_CONTRACT),
        noting("contracts_subscription", OF_CONTRACT),
        noting("contracts_usagefilter", OF_CONTRACT),
        noting("contracts_subscriptionchange", OF_SUBSCRIPTION),
        keeping("contracts_contract", "'contract'"),
        keeping("contracts_subscription", "'subscription'"),
    ]
