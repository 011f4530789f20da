"""Every change of what a customer was granted or has used is noted (customers/migrations/0004)."""

from django.db import migrations

from customers.changes import noting

OF_BALANCE = "(SELECT customer_id FROM balances_balance WHERE id = r.owner_id)"


class Migration(migrations.Migration):
    dependencies = [("balances", "0008_seats"), ("customers", "0004_changes")]
    operations = [noting("balances_balance"), noting("balances_segment", OF_BALANCE)]
