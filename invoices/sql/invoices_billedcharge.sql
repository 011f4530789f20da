-- What a final or void invoice held stays known: a row goes only with its draft, and is never another's.
CREATE FUNCTION invoices_billedcharge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.moved_at IS NOT NULL
           OR (NEW.id, NEW.charge_id, NEW.invoice_id) IS DISTINCT FROM (OLD.id, OLD.charge_id, OLD.invoice_id) THEN
            RAISE EXCEPTION 'which invoice held charge % never changes', OLD.charge_id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'billed_charge_stays';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.moved_at IS NOT NULL
       OR (SELECT state FROM charges_charge WHERE id = OLD.charge_id) IN ('INVOICED', 'VOIDED') THEN
        RAISE EXCEPTION 'an invoice that was final holds charge %', OLD.charge_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'billed_charge_stays';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER invoices_billedcharge_guard BEFORE UPDATE OR DELETE ON invoices_billedcharge
    FOR EACH ROW EXECUTE FUNCTION invoices_billedcharge_guard();
