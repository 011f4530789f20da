-- The sums of a segment are those of its ledger: it begins empty, stays, and only balances_ledger_applied changes them.
CREATE FUNCTION balances_segment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'segments stay: their ledger does' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF (NEW.granted, NEW.manual, NEW.used, NEW.expired, NEW.rolled_over, NEW.trued_up, NEW.balance)
           IS DISTINCT FROM (0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric) THEN
            RAISE EXCEPTION 'a segment begins empty: its ledger fills it' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF pg_trigger_depth() = 1 AND
       (NEW.granted, NEW.manual, NEW.used, NEW.expired, NEW.rolled_over, NEW.trued_up, NEW.balance)
       IS DISTINCT FROM (OLD.granted, OLD.manual, OLD.used, OLD.expired, OLD.rolled_over, OLD.trued_up, OLD.balance) THEN
        RAISE EXCEPTION 'the sums of a segment follow its ledger' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER balances_segment_guard BEFORE INSERT OR UPDATE OR DELETE ON balances_segment
    FOR EACH ROW EXECUTE FUNCTION balances_segment_guard();
