-- Every change of a balance leaves a row for what its customer may spend, in its old unit and its new one.
CREATE FUNCTION balances_balance_noticed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO balances_spendablechange (spendable_id)
    SELECT s.id FROM balances_spendable s WHERE s.customer_id = NEW.customer_id
        AND (s.credit_type_id = NEW.credit_type_id OR s.credit_type_id = OLD.credit_type_id);
    RETURN NULL;
END $$;
CREATE TRIGGER balances_balance_noticed AFTER UPDATE ON balances_balance
    FOR EACH ROW EXECUTE FUNCTION balances_balance_noticed();
