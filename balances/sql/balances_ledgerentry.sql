-- The ledger is only added to.
CREATE TRIGGER balances_ledger_append_only BEFORE UPDATE OR DELETE ON balances_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();

-- A segment's sums follow its entries, in the statement that adds them. Nothing but an entry by hand takes a segment
-- below 0: ledger_takes_what_is_there.
CREATE FUNCTION balances_ledger_applied() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    remaining numeric;
BEGIN
    UPDATE balances_segment SET
        granted = granted + CASE WHEN NEW.kind IN ('SEGMENT_START', 'INITIAL_BALANCE', 'SEAT_BASED_ADJUSTMENT') THEN NEW.amount ELSE 0 END,
        manual = manual + CASE WHEN NEW.kind = 'MANUAL' THEN NEW.amount ELSE 0 END,
        used = used - CASE WHEN NEW.kind IN ('AUTOMATED_INVOICE_DEDUCTION', 'CANCELED', 'CREDITED') THEN NEW.amount ELSE 0 END,
        expired = expired - CASE WHEN NEW.kind = 'EXPIRATION' THEN NEW.amount ELSE 0 END,
        rolled_over = rolled_over - CASE WHEN NEW.kind = 'ROLLOVER' THEN NEW.amount ELSE 0 END,
        trued_up = trued_up - CASE WHEN NEW.kind = 'TRUEUP' THEN NEW.amount ELSE 0 END,
        balance = balance + NEW.amount
    WHERE id = NEW.segment_id RETURNING balance INTO remaining;
    IF NEW.amount < 0 AND remaining < 0 AND NEW.kind <> 'MANUAL' THEN
        RAISE EXCEPTION 'segment % does not hold %', NEW.segment_id, -NEW.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_takes_what_is_there';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER balances_ledger_applied AFTER INSERT ON balances_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION balances_ledger_applied();
