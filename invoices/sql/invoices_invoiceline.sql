-- Lines are written once, with their invoice, before its period closes.
CREATE FUNCTION invoices_line_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND (SELECT state FROM billing_billingperiod WHERE id = NEW.invoice_id) = 'OPEN' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'lines of an invoice are written once, when it is finalized'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invoices_line_guard BEFORE INSERT OR UPDATE OR DELETE ON invoices_invoiceline
    FOR EACH ROW EXECUTE FUNCTION invoices_line_guard();
