-- Every change of a segment leaves a row for what its customer may spend: no change of a balance goes unnoticed by
-- reservations.
CREATE FUNCTION reservations_segment_noticed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reservations_spendablechange (spendable_id)
    SELECT s.id FROM balances_balance b JOIN reservations_spendable s USING (customer_id, credit_type_id)
    WHERE b.id = NEW.owner_id;
    RETURN NULL;
END $$;
CREATE TRIGGER reservations_segment_noticed AFTER INSERT OR UPDATE ON balances_segment
    FOR EACH ROW EXECUTE FUNCTION reservations_segment_noticed();

-- Every change of a balance leaves a row for what its customer may spend, in its old unit and its new one.
CREATE FUNCTION reservations_balance_noticed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reservations_spendablechange (spendable_id)
    SELECT s.id FROM reservations_spendable s WHERE s.customer_id = NEW.customer_id
        AND (s.credit_type_id = NEW.credit_type_id OR s.credit_type_id = OLD.credit_type_id);
    RETURN NULL;
END $$;
CREATE TRIGGER reservations_balance_noticed AFTER UPDATE ON balances_balance
    FOR EACH ROW EXECUTE FUNCTION reservations_balance_noticed();
