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

-- A number stands in the series of its date's year, follows the one before it, and is never of an earlier date.
CREATE FUNCTION invoices_numbered_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    series invoices_numberseries;
    place text := NEW.series_number::text;
BEGIN
    SELECT * INTO series FROM invoices_numberseries WHERE name = NEW.series_id;
    IF series.year IS DISTINCT FROM extract(year FROM NEW.document_date)
       OR NEW.number <> series.name || '-' || lpad(place, greatest(4, length(place)), '0') THEN
        RAISE EXCEPTION 'number % of % is not in the series of its year', NEW.number, NEW.document_date
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_number_in_series';
    END IF;
    IF NEW.series_number > 1 AND NOT EXISTS (
        SELECT FROM invoices_invoice before
        WHERE before.series_id = NEW.series_id AND before.series_number = NEW.series_number - 1
          AND before.document_date <= NEW.document_date
    ) THEN
        RAISE EXCEPTION 'number % of % does not follow one that is as old or older', NEW.number, NEW.document_date
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_numbers_in_order';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_numbered_in_order BEFORE INSERT OR UPDATE ON invoices_invoice FOR EACH ROW
    EXECUTE FUNCTION invoices_numbered_in_order();

-- The lines of a document sum to its subtotal, in whole minor units.
CREATE FUNCTION invoices_document_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.document_subtotal <> (
        SELECT coalesce(sum(document_amount), 0) FROM invoices_invoiceline WHERE invoice_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'the lines of document % do not sum to its subtotal', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_document_sums';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_document_sums AFTER INSERT OR UPDATE ON invoices_invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoices_document_sums();
