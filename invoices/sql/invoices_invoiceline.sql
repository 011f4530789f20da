-- Lines are written once, when their invoice is finalized.
CREATE FUNCTION invoices_line_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND (SELECT status FROM invoices_invoice WHERE id = NEW.invoice_id) = 'DRAFT' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'lines of an invoice are written once, when it is finalized'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invoices_line_guard BEFORE INSERT OR UPDATE OR DELETE ON invoices_invoiceline
    FOR EACH ROW EXECUTE FUNCTION invoices_line_guard();

-- No two final invoices charge for the same time of a subscription: subscription_charged_once.
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
