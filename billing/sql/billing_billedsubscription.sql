-- What a closed period charges for is only added to; billed anew elsewhere, it is superseded, for good.
CREATE FUNCTION billing_billedsubscription_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NOT OLD.superseded AND NEW.superseded
       AND to_jsonb(NEW) - 'superseded' = to_jsonb(OLD) - 'superseded' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what was billed of a subscription never changes' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER billing_billedsubscription_guard BEFORE UPDATE OR DELETE ON billing_billedsubscription
    FOR EACH ROW EXECUTE FUNCTION billing_billedsubscription_guard();
