-- A charge goes from state to state as engine.charge_states.NEXT says; what a final or void invoice names never changes.
CREATE FUNCTION charges_charge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'charge % stays: it is canceled, not deleted', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_stays';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state NOT IN ('PENDING', 'WAIVED') THEN
            RAISE EXCEPTION 'a charge begins PENDING or WAIVED, not %', NEW.state
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_begins_open';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('PENDING', 'INVOICED'), ('PENDING', 'CANCELED'), ('PENDING', 'WAIVED'), ('WAIVED', 'CANCELED'),
        ('INVOICED', 'VOIDED'), ('VOIDED', 'PENDING')
    ) THEN
        RAISE EXCEPTION 'charge % is %: it cannot become %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_state_follows';
    END IF;
    IF (NEW.id, NEW.customer_id, NEW.source, NEW.source_id, NEW.ordinal, NEW.amount_type, NEW.credit_type_id, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.customer_id, OLD.source, OLD.source_id, OLD.ordinal, OLD.amount_type, OLD.credit_type_id, OLD.created_at)
    THEN
        RAISE EXCEPTION 'what charge % is for never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_keeps_its_source';
    END IF;
    IF (OLD.state NOT IN ('PENDING', 'WAIVED') OR NEW.state NOT IN ('PENDING', 'WAIVED')) AND
       (NEW.contract_id, NEW.unit_price, NEW.quantity, NEW.invoice_at, NEW.service_start, NEW.service_end)
       IS DISTINCT FROM
       (OLD.contract_id, OLD.unit_price, OLD.quantity, OLD.invoice_at, OLD.service_start, OLD.service_end)
    THEN
        RAISE EXCEPTION 'charge % is %: its terms never change', OLD.id, OLD.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_terms_stand';
    END IF;
    IF NEW.state = OLD.state AND OLD.state IN ('INVOICED', 'VOIDED', 'CANCELED') AND
       (NEW.amount, NEW.invoiced_amount, NEW.invoiced_at, NEW.canceled_at)
       IS DISTINCT FROM
       (OLD.amount, OLD.invoiced_amount, OLD.invoiced_at, OLD.canceled_at)
    THEN
        RAISE EXCEPTION 'charge % is %: its amount never changes', OLD.id, OLD.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_terms_stand';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER charges_charge_guard BEFORE INSERT OR UPDATE OR DELETE ON charges_charge
    FOR EACH ROW EXECUTE FUNCTION charges_charge_guard();
