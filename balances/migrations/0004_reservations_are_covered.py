"""What is held follows the reservations, never exceeds what is there, and every change of balances is noticed."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION balances_reservations_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    short bigint;
BEGIN
    WITH moved AS (
        SELECT spendable_id, sum(amount) AS held FROM added GROUP BY spendable_id
    ), counted AS (
        UPDATE balances_spendable AS s SET held = s.held + moved.held FROM moved WHERE s.id = moved.spendable_id
        RETURNING s.id, s.live - s.held - s.committed AS free
    )
    SELECT id INTO short FROM counted WHERE free < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'spendable % does not cover this', short
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reservation_is_covered';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER balances_reservations_added AFTER INSERT ON balances_reservation REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION balances_reservations_added();

CREATE FUNCTION balances_reservations_moved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    short bigint;
BEGIN
    WITH changed AS (
        SELECT spendable_id, status, amount FROM added WHERE status IN ('HELD', 'COMMITTED')
        UNION ALL
        SELECT spendable_id, status, -amount FROM removed WHERE status IN ('HELD', 'COMMITTED')
    ), moved AS (
        SELECT spendable_id,
               coalesce(sum(amount) FILTER (WHERE status = 'HELD'), 0) AS held,
               coalesce(sum(amount) FILTER (WHERE status = 'COMMITTED'), 0) AS committed
        FROM changed GROUP BY spendable_id
    ), counted AS (
        UPDATE balances_spendable AS s SET held = s.held + moved.held, committed = s.committed + moved.committed
        FROM moved WHERE s.id = moved.spendable_id AND (moved.held <> 0 OR moved.committed <> 0)
        RETURNING s.id, moved.held + moved.committed AS more, s.live - s.held - s.committed AS free
    )
    SELECT id INTO short FROM counted WHERE more > 0 AND free < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'spendable % does not cover this', short
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reservation_is_covered';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER balances_reservations_moved AFTER UPDATE ON balances_reservation
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION balances_reservations_moved();

CREATE FUNCTION balances_reservation_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a reservation does not become this' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER balances_reservation_begins_held BEFORE INSERT ON balances_reservation
    FOR EACH ROW WHEN (NEW.status <> 'HELD' OR NEW.amount <> NEW.reserved)
    EXECUTE FUNCTION balances_reservation_refused();
CREATE TRIGGER balances_reservation_guard BEFORE UPDATE ON balances_reservation
    FOR EACH ROW WHEN (
        OLD.id <> NEW.id OR OLD.spendable_id <> NEW.spendable_id OR OLD.customer_id <> NEW.customer_id
        OR OLD.reserved <> NEW.reserved
        OR (OLD.transaction_id IS NOT NULL AND OLD.transaction_id IS DISTINCT FROM NEW.transaction_id)
        OR (OLD.status = NEW.status AND OLD.amount <> NEW.amount)
        OR NOT (OLD.status = NEW.status OR (OLD.status, NEW.status) IN (
            ('HELD', 'COMMITTED'), ('HELD', 'RELEASED'), ('HELD', 'EXPIRED'), ('HELD', 'SETTLED'),
            ('COMMITTED', 'SETTLED'), ('COMMITTED', 'LAPSED'), ('EXPIRED', 'COMMITTED')))
    ) EXECUTE FUNCTION balances_reservation_refused();
CREATE TRIGGER balances_reservation_stays BEFORE DELETE ON balances_reservation
    FOR EACH ROW WHEN (OLD.status IN ('HELD', 'COMMITTED')) EXECUTE FUNCTION balances_reservation_refused();

CREATE FUNCTION balances_spendable_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is held follows the reservations' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER balances_spendable_begins_empty BEFORE INSERT ON balances_spendable
    FOR EACH ROW WHEN (NEW.held <> 0 OR NEW.committed <> 0) EXECUTE FUNCTION balances_spendable_refused();
CREATE TRIGGER balances_spendable_guard BEFORE UPDATE ON balances_spendable
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND (OLD.held <> NEW.held OR OLD.committed <> NEW.committed))
    EXECUTE FUNCTION balances_spendable_refused();

CREATE FUNCTION balances_segment_noticed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO balances_spendablechange (spendable_id)
    SELECT s.id FROM balances_balance b JOIN balances_spendable s USING (customer_id, credit_type_id)
    WHERE b.id = NEW.owner_id;
    RETURN NULL;
END $$;
CREATE TRIGGER balances_segment_noticed AFTER INSERT OR UPDATE ON balances_segment
    FOR EACH ROW EXECUTE FUNCTION balances_segment_noticed();

CREATE FUNCTION balances_balance_noticed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO balances_spendablechange (spendable_id)
    SELECT s.id FROM balances_spendable s WHERE s.customer_id = NEW.customer_id
        AND (s.credit_type_id = NEW.credit_type_id OR s.credit_type_id = OLD.credit_type_id);
    RETURN NULL;
END $$;
CREATE TRIGGER balances_balance_noticed AFTER UPDATE ON balances_balance
    FOR EACH ROW EXECUTE FUNCTION balances_balance_noticed();
"""
BACKWARD = """
DROP TRIGGER balances_balance_noticed ON balances_balance;
DROP FUNCTION balances_balance_noticed();
DROP TRIGGER balances_segment_noticed ON balances_segment;
DROP FUNCTION balances_segment_noticed();
DROP TRIGGER balances_spendable_guard ON balances_spendable;
DROP TRIGGER balances_spendable_begins_empty ON balances_spendable;
DROP FUNCTION balances_spendable_refused();
DROP TRIGGER balances_reservation_stays ON balances_reservation;
DROP TRIGGER balances_reservation_guard ON balances_reservation;
DROP TRIGGER balances_reservation_begins_held ON balances_reservation;
DROP FUNCTION balances_reservation_refused();
DROP TRIGGER balances_reservations_moved ON balances_reservation;
DROP FUNCTION balances_reservations_moved();
DROP TRIGGER balances_reservations_added ON balances_reservation;
DROP FUNCTION balances_reservations_added();
"""


class Migration(migrations.Migration):
    dependencies = [("balances", "0003_reservations")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
