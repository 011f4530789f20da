-- Whoever made a key, and what it may give or take alone, stay what they were.
CREATE FUNCTION core_apikey_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.made_by_id, NEW.adjustment_limit) IS DISTINCT FROM (OLD.made_by_id, OLD.adjustment_limit) THEN
        RAISE EXCEPTION 'the limit of an API key never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_apikey_guard BEFORE UPDATE OF made_by_id, adjustment_limit ON core_apikey
    FOR EACH ROW EXECUTE FUNCTION core_apikey_guard();
