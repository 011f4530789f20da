-- What is held follows the reservations: it begins at 0, and only their triggers change it.
CREATE FUNCTION balances_spendable_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is held follows the reservations' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER balances_spendable_begins_empty BEFORE INSERT ON balances_spendable
    FOR EACH ROW WHEN (NEW.held <> 0 OR NEW.committed <> 0) EXECUTE FUNCTION balances_spendable_refused();
CREATE TRIGGER balances_spendable_guard BEFORE UPDATE ON balances_spendable
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND (OLD.held <> NEW.held OR OLD.committed <> NEW.committed))
    EXECUTE FUNCTION balances_spendable_refused();
