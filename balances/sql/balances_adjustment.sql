-- What was asked for never changes, a decision is made once, and what is posted alone stays within the limit of a day
-- (adjustment_within_the_limit_of_a_day: summed up again here, from the table). The entry or the credit that was made is
-- the one that was asked for, scope included.
CREATE FUNCTION balances_adjustment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    by_maker numeric;
    for_customer numeric;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'adjustments stay' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NOT (NEW.status = 'PENDING' OR NEW.status = 'POSTED' AND NEW.approval = '') THEN
            RAISE EXCEPTION 'an adjustment begins by waiting for a second person, or is posted within its limit'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF NEW.approval = '' THEN
            SELECT coalesce(sum(worth) FILTER (WHERE made_by_id = NEW.made_by_id), 0),
                   coalesce(sum(worth) FILTER (WHERE customer_id = NEW.customer_id), 0)
              INTO by_maker, for_customer FROM balances_adjustment
             WHERE status = 'POSTED' AND approval = '' AND made_at > NEW.made_at - interval '24 hours'
               AND (made_by_id = NEW.made_by_id OR customer_id = NEW.customer_id);
            IF NEW.worth + greatest(by_maker, for_customer) > NEW.limit_worth THEN
                RAISE EXCEPTION 'with what was posted within 24 hours this is above the limit'
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustment_within_the_limit_of_a_day';
            END IF;
        END IF;
    ELSE
        IF OLD.status <> 'PENDING' THEN
            RAISE EXCEPTION 'adjustment % is decided', OLD.id USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF (NEW.id, NEW.customer_id, NEW.segment_id, NEW.product_id, NEW.credit_name, NEW.access_from, NEW.access_until,
            NEW.amount, NEW.credit_type_id, NEW.worth, NEW.limit_worth, NEW.by_maker, NEW.for_customer, NEW.approval,
            NEW.reason_code, NEW.public_reason, NEW.note, NEW.ticket_url, NEW.made_by_id, NEW.made_at,
            NEW.applicable_product_ids, NEW.applicable_product_tags, NEW.contract_id, NEW.priority)
           IS DISTINCT FROM
           (OLD.id, OLD.customer_id, OLD.segment_id, OLD.product_id, OLD.credit_name, OLD.access_from, OLD.access_until,
            OLD.amount, OLD.credit_type_id, OLD.worth, OLD.limit_worth, OLD.by_maker, OLD.for_customer, OLD.approval,
            OLD.reason_code, OLD.public_reason, OLD.note, OLD.ticket_url, OLD.made_by_id, OLD.made_at,
            OLD.applicable_product_ids, OLD.applicable_product_tags, OLD.contract_id, OLD.priority) THEN
            RAISE EXCEPTION 'what was asked for never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF NEW.status IN ('POSTED', 'REJECTED')
           AND NOT core_checker_is_independent(NEW.made_by_id, NEW.decided_by_id, NEW.decided_at) THEN
            RAISE EXCEPTION 'whoever was made or changed by the first person within seven days is no second one'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustment_checker_is_independent';
        END IF;
    END IF;
    IF NEW.entry_id IS NOT NULL THEN
        PERFORM 1 FROM balances_ledgerentry
          WHERE id = NEW.entry_id AND segment_id = NEW.segment_id AND amount = NEW.amount AND kind = 'MANUAL';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'its entry is not what was asked for' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    IF NEW.credit_id IS NOT NULL THEN
        PERFORM 1 FROM balances_balance balance
          WHERE id = NEW.credit_id AND customer_id = NEW.customer_id AND credit_type_id = NEW.credit_type_id
            AND product_id = NEW.product_id AND kind = 'CREDIT' AND priority = NEW.priority
            AND applicable_product_ids = NEW.applicable_product_ids
            AND applicable_product_tags = NEW.applicable_product_tags
            AND applicable_contract_ids IS NOT DISTINCT FROM
                CASE WHEN NEW.contract_id IS NOT NULL THEN jsonb_build_array(NEW.contract_id) END
            AND NEW.amount = (SELECT sum(granted) FROM balances_segment WHERE owner_id = balance.id);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'its credit is not what was asked for' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER balances_adjustment_guard BEFORE INSERT OR UPDATE OR DELETE ON balances_adjustment
    FOR EACH ROW EXECUTE FUNCTION balances_adjustment_guard();
