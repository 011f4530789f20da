-- An edit is told once, in the transaction that carries it out, and says the same ever after.
CREATE FUNCTION contracts_edit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.told = '' AND NEW.told <> '' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what a contract''s edit did is told once' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER contracts_edit_guard BEFORE UPDATE OR DELETE ON contracts_contractedit
    FOR EACH ROW EXECUTE FUNCTION contracts_edit_guard();
