-- A quote stays as it was made; only its confirmation is noted, once.
CREATE FUNCTION plans_quote_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.confirmed_at IS NULL AND NEW.confirmed_at IS NOT NULL
       AND (to_jsonb(OLD) - '{confirmed_at,new_contract_id}'::text[])
         = (to_jsonb(NEW) - '{confirmed_at,new_contract_id}'::text[]) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a quote stays as it was made' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER plans_quote_guard BEFORE UPDATE OR DELETE ON plans_planquote
    FOR EACH ROW EXECUTE FUNCTION plans_quote_guard();
