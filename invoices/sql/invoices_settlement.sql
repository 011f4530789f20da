-- A settlement stays, and so does what it asks for; a void one does not change any more.
CREATE FUNCTION invoices_settlement_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state <> 'VOID'
       AND (NEW.invoice_id, NEW.due_on, NEW.amount_due) = (OLD.invoice_id, OLD.due_on, OLD.amount_due) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the settlement of % stays, and so does what is due', OLD.invoice_id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invoices_settlement_guard BEFORE UPDATE OR DELETE ON invoices_settlement
    FOR EACH ROW EXECUTE FUNCTION invoices_settlement_guard();

-- A document and its settlement agree on what is due and when, and are void together. The argument names the column that holds the invoice's id.
CREATE FUNCTION invoices_settled_as_issued() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    document uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoices_invoice invoice JOIN invoices_settlement settlement ON settlement.invoice_id = invoice.id
        WHERE invoice.id = document AND settlement.due_on = invoice.due_date
          AND settlement.amount_due = greatest(invoice.document_total, 0)
          AND (settlement.state = 'VOID') = (invoice.status = 'VOID')
    ) THEN
        RAISE EXCEPTION 'the settlement of document % is not what it asks for', document
            USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_as_issued';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_settled_as_issued AFTER INSERT OR UPDATE ON invoices_invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoices_settled_as_issued('id');
CREATE CONSTRAINT TRIGGER invoices_settled_as_issued AFTER INSERT OR UPDATE ON invoices_settlement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoices_settled_as_issued('invoice_id');
