-- What a closed period held stays known: a row goes only while its period is open, and is never another's.
CREATE FUNCTION billing_billedcharge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.moved_at IS NOT NULL
           OR (NEW.id, NEW.charge_id, NEW.period_id) IS DISTINCT FROM (OLD.id, OLD.charge_id, OLD.period_id) THEN
            RAISE EXCEPTION 'which period held charge % never changes', OLD.charge_id
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'billed_charge_stays';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.moved_at IS NOT NULL
       OR (SELECT state FROM charges_charge WHERE id = OLD.charge_id) IN ('INVOICED', 'VOIDED') THEN
        RAISE EXCEPTION 'a period that was closed holds charge %', OLD.charge_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'billed_charge_stays';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER billing_billedcharge_guard BEFORE UPDATE OR DELETE ON billing_billedcharge
    FOR EACH ROW EXECUTE FUNCTION billing_billedcharge_guard();
