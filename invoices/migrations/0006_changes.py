"""Every invoice that comes, goes or changes is noted (customers/migrations/0004); what is kept for lists is none of it.

An invoice's lines are written with it.
"""

from django.db import migrations

from customers.changes import noting

BESIDE = ("draft_total", "draft_total_at", "next_attempt_at", "attempts", "last_error")


class Migration(migrations.Migration):
    dependencies = [("invoices", "0005_subscription_lines"), ("customers", "0004_changes")]
    operations = [noting("invoices_invoice", unless=BESIDE)]
