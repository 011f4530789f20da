-- What is held follows the reservations: it begins at 0, and only their triggers change it.
CREATE FUNCTION reservations_spendable_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is held follows the reservations' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER reservations_spendable_begins_empty BEFORE INSERT ON reservations_spendable
    FOR EACH ROW WHEN (NEW.held <> 0 OR NEW.committed <> 0) EXECUTE FUNCTION reservations_spendable_refused();
CREATE TRIGGER reservations_spendable_guard BEFORE UPDATE ON reservations_spendable
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND (OLD.held <> NEW.held OR OLD.committed <> NEW.committed))
    EXECUTE FUNCTION reservations_spendable_refused();
