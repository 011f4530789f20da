-- A contract's place in a hierarchy: set when it is made, one level deep, at most ten contracts, and who pays is the
-- contract itself or its parent's customer.
CREATE FUNCTION contracts_hierarchy_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above contracts_contract;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a contract''s place in a hierarchy is set when it is made'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contract_hierarchy_is_fixed';
    END IF;
    SELECT * INTO above FROM contracts_contract WHERE id = NEW.parent_id FOR UPDATE;
    IF above.parent_id IS NOT NULL OR above.customer_id = NEW.customer_id THEN
        RAISE EXCEPTION 'the parent is another customer''s contract and no child itself'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contract_hierarchy_has_one_level';
    END IF;
    IF NEW.paying_customer_id <> above.customer_id THEN
        RAISE EXCEPTION 'only the parent pays for its child'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contract_parent_pays';
    END IF;
    IF (SELECT count(*) FROM contracts_contract WHERE parent_id = NEW.parent_id) >= 9 THEN
        RAISE EXCEPTION 'a hierarchy has at most ten contracts'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contract_hierarchy_of_ten';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contracts_hierarchy_guard BEFORE INSERT ON contracts_contract
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION contracts_hierarchy_guard();
CREATE TRIGGER contracts_hierarchy_fixed BEFORE UPDATE OF parent_id, paying_customer_id, customer_id ON contracts_contract
    FOR EACH ROW WHEN (
        (OLD.parent_id, OLD.paying_customer_id) IS DISTINCT FROM (NEW.parent_id, NEW.paying_customer_id)
    ) EXECUTE FUNCTION contracts_hierarchy_guard();

-- A trial's start is fixed, and what became of it is decided once; only from being held it goes on.
CREATE FUNCTION contracts_trial_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a trial begins once, and what became of it stays so'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contract_trial_is_decided_once';
END $$;
CREATE TRIGGER contracts_trial_guard
    BEFORE UPDATE OF trial_starting_at, trial_ending_before, trial_outcome ON contracts_contract
    FOR EACH ROW WHEN (
        OLD.trial_starting_at IS NOT NULL AND OLD.trial_starting_at IS DISTINCT FROM NEW.trial_starting_at
        OR OLD.trial_outcome NOT IN ('', 'HELD') AND (
            OLD.trial_outcome <> NEW.trial_outcome OR OLD.trial_ending_before <> NEW.trial_ending_before
        )
        OR OLD.trial_outcome = 'HELD' AND NEW.trial_outcome = ''
    ) EXECUTE FUNCTION contracts_trial_guard();
