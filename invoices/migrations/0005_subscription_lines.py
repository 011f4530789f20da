"""Lines say which subscription they charge for; no two final invoices charge for the same time of one."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION invoices_subscription_charged_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM invoices_invoiceline line JOIN invoices_invoice invoice ON invoice.id = line.invoice_id
        WHERE line.subscription_id = NEW.subscription_id AND line.type = NEW.type
          AND line.starting_at = NEW.starting_at AND line.invoice_id <> NEW.invoice_id
          AND invoice.status = 'FINALIZED'
    ) THEN
        RAISE EXCEPTION 'subscription % is charged for the time from % on already', NEW.subscription_id, NEW.starting_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'subscription_charged_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_subscription_charged_once BEFORE INSERT ON invoices_invoiceline FOR EACH ROW
    WHEN (NEW.subscription_id IS NOT NULL AND NEW.type = 'subscription')
    EXECUTE FUNCTION invoices_subscription_charged_once();
"""
BACKWARD = """
DROP TRIGGER invoices_subscription_charged_once ON invoices_invoiceline;
DROP FUNCTION invoices_subscription_charged_once();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0006_subscriptions"),
        ("invoices", "0004_balances_pay"),
    ]

    operations = [
        migrations.AddField(
            model_name="invoiceline",
            name="subscription",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="contracts.subscription"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
