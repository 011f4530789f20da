"""Which transactions changed what of a customer: how a process knows that what it has read still stands (core.kept).

One row for a customer and transaction, in that transaction; its rows of the day before go as new ones come. The other
rooms have their tables noted by `customers.changes.noting`.
"""

from django.db import migrations

from customers.changes import noting

FORWARD = """
CREATE TABLE customers_change (
    customer_id uuid NOT NULL,
    xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, xact)
);
CREATE FUNCTION customers_note_change(whose uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF whose IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO customers_change (customer_id) VALUES (whose) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        DELETE FROM customers_change WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM customers_change WHERE customer_id = whose AND at < now() - interval '1 day'
            LIMIT 100 FOR UPDATE SKIP LOCKED
        ));
    END IF;
END $$;
"""
BACKWARD = """
DROP FUNCTION customers_note_change(uuid);
DROP TABLE customers_change;
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0003_named_schedules")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD), noting("customers_ingestalias")]
