-- A document is made of a period that is still open, and then stays as it is: it may only become void.
CREATE FUNCTION invoices_invoice_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status = 'FINALIZED' AND (SELECT state FROM billing_billingperiod WHERE id = NEW.id) = 'OPEN' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'invoice % has no open billing period', NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status = 'FINALIZED' AND NEW.status = 'VOID' AND NEW.voided_at IS NOT NULL
       AND to_jsonb(NEW) - 'status' - 'voided_at' = to_jsonb(OLD) - 'status' - 'voided_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'invoice % is %: it never changes', OLD.id, OLD.status USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invoices_invoice_guard BEFORE INSERT OR UPDATE OR DELETE ON invoices_invoice
    FOR EACH ROW EXECUTE FUNCTION invoices_invoice_guard();

-- A period is closed by its document, and released by that becoming void.
CREATE FUNCTION invoices_period_has_its_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoices_invoice WHERE id = NEW.id AND (status = 'VOID') = (NEW.voided_at IS NOT NULL)
    ) THEN
        RAISE EXCEPTION 'billing period % is not what its document says', NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER invoices_period_has_its_document AFTER INSERT OR UPDATE ON billing_billingperiod
    FOR EACH ROW WHEN (NEW.state = 'CLOSED') EXECUTE FUNCTION invoices_period_has_its_document();
