-- Only what is billed immediately is charged more than once for one time, and its charges are numbered without a gap.
CREATE FUNCTION billing_billedsubscription_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.ordinal > 1 AND (
        NOT EXISTS (
            SELECT FROM contracts_subscription
            WHERE id = NEW.subscription_id AND invoice_behavior = 'BILL_IMMEDIATELY'
        ) OR NOT EXISTS (
            SELECT FROM billing_billedsubscription
            WHERE subscription_id = NEW.subscription_id AND starting_at = NEW.starting_at AND ordinal = NEW.ordinal - 1
        )
    ) THEN
        RAISE EXCEPTION 'a time of a subscription is charged again only at the next number, and where billed immediately'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'billed_subscription_numbered';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_billedsubscription_numbered BEFORE INSERT ON billing_billedsubscription
    FOR EACH ROW EXECUTE FUNCTION billing_billedsubscription_numbered();

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
