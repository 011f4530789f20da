-- What is held is the sum of the reservations and never more than there is: reservation_is_covered. Once a statement, for
-- all its rows.
CREATE FUNCTION reservations_reservations_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    short bigint;
BEGIN
    WITH moved AS (
        SELECT spendable_id, sum(amount) AS held FROM added GROUP BY spendable_id
    ), counted AS (
        UPDATE reservations_spendable AS s SET held = s.held + moved.held FROM moved WHERE s.id = moved.spendable_id
        RETURNING s.id, s.live - s.held - s.committed AS free
    )
    SELECT id INTO short FROM counted WHERE free < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'spendable % does not cover this', short
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reservation_is_covered';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER reservations_reservations_added AFTER INSERT ON reservations_reservation REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION reservations_reservations_added();

-- The same for what is committed, settled, released or expired; what frees something is never refused.
CREATE FUNCTION reservations_reservations_moved() RETURNS trigger LANGUAGE plpgsql AS $$
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
        UPDATE reservations_spendable AS s SET held = s.held + moved.held, committed = s.committed + moved.committed
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
CREATE TRIGGER reservations_reservations_moved AFTER UPDATE ON reservations_reservation
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION reservations_reservations_moved();

-- A reservation begins held, in full, and goes only the ways listed. Whose it is and what was reserved never changes, its
-- event once it has one neither, its amount only with its status. It is not deleted while it holds something.
CREATE FUNCTION reservations_reservation_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a reservation does not become this' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER reservations_reservation_begins_held BEFORE INSERT ON reservations_reservation
    FOR EACH ROW WHEN (NEW.status <> 'HELD' OR NEW.amount <> NEW.reserved)
    EXECUTE FUNCTION reservations_reservation_refused();
CREATE TRIGGER reservations_reservation_guard BEFORE UPDATE ON reservations_reservation
    FOR EACH ROW WHEN (
        OLD.id <> NEW.id OR OLD.spendable_id <> NEW.spendable_id OR OLD.customer_id <> NEW.customer_id
        OR OLD.reserved <> NEW.reserved
        OR (OLD.transaction_id IS NOT NULL AND OLD.transaction_id IS DISTINCT FROM NEW.transaction_id)
        OR (OLD.status = NEW.status AND OLD.amount <> NEW.amount)
        OR NOT (OLD.status = NEW.status OR (OLD.status, NEW.status) IN (
            ('HELD', 'COMMITTED'), ('HELD', 'RELEASED'), ('HELD', 'EXPIRED'), ('HELD', 'SETTLED'),
            ('COMMITTED', 'SETTLED'), ('COMMITTED', 'LAPSED'), ('EXPIRED', 'COMMITTED')))
    ) EXECUTE FUNCTION reservations_reservation_refused();
CREATE TRIGGER reservations_reservation_stays BEFORE DELETE ON reservations_reservation
    FOR EACH ROW WHEN (OLD.status IN ('HELD', 'COMMITTED')) EXECUTE FUNCTION reservations_reservation_refused();
