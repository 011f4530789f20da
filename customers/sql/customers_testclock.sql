-- A test clock never goes back, and a customer stays on its clock, or on none, for life: its past would change.
CREATE FUNCTION customers_testclock_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.now_at >= OLD.now_at THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a test clock never goes back' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER customers_testclock_guard BEFORE UPDATE OF now_at ON customers_testclock
    FOR EACH ROW EXECUTE FUNCTION customers_testclock_guard();

CREATE FUNCTION customers_customer_stays_on_its_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.test_clock_id IS DISTINCT FROM OLD.test_clock_id THEN
        RAISE EXCEPTION 'a customer stays on its clock' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER customers_customer_stays_on_its_clock BEFORE UPDATE OF test_clock_id ON customers_customer
    FOR EACH ROW EXECUTE FUNCTION customers_customer_stays_on_its_clock();
