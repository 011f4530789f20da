"""Every change of what was agreed with a customer is noted (customers/migrations/0004)."""

from django.db import migrations

from customers.changes import noting

OF_CONTRACT = "(SELECT customer_id FROM contracts_contract WHERE id = r.contract_id)"
OF_SUBSCRIPTION = (
    "(SELECT c.customer_id FROM contracts_subscription s JOIN contracts_contract c ON c.id = s.contract_id"
    " WHERE s.id = r.subscription_id)"
)


class Migration(migrations.Migration):
    dependencies = [("contracts", "0006_subscriptions"), ("customers", "0004_changes")]
    operations = [
        noting("contracts_contract"),
        noting("contracts_override", OF_CONTRACT),
        noting("contracts_subscription", OF_CONTRACT),
        noting("contracts_subscriptionchange", OF_SUBSCRIPTION),
    ]
