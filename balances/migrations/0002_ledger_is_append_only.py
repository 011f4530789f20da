"""Entries are only appended, and a segment's sums follow them: added in the same statement, changed by nothing else."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER balances_ledger_append_only BEFORE UPDATE OR DELETE ON balances_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();

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
"""
BACKWARD = """
DROP TRIGGER balances_segment_guard ON balances_segment;
DROP FUNCTION balances_segment_guard();
DROP TRIGGER balances_ledger_applied ON balances_ledgerentry;
DROP FUNCTION balances_ledger_applied();
DROP TRIGGER balances_ledger_append_only ON balances_ledgerentry;
"""


class Migration(migrations.Migration):
    dependencies = [("balances", "0001_balances"), ("core", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
