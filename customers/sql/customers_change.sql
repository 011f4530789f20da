-- Which transactions changed what of a customer: how a process knows that what it has read still stands.
-- One row for a customer and transaction, written in that transaction, so a snapshot shows it exactly when it shows the
-- change. A customer's rows of the day before go as new ones come. No model: core.postgres.snapshot_cache alone reads it.
CREATE TABLE customers_change (
    customer_id uuid NOT NULL,
    xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, xact)
);

-- Called by the triggers that customers.changes.noting puts on a table.
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
