-- What was asked for never changes, a decision is made once, and what is posted alone stays within the limit of a day
-- (adjustment_within_the_limit_of_a_day: summed up again here, from the table): that of the person and that of the API
-- key through which it came, which is the key's own. The entry, the entries of seats or the credit that was made is what
-- was asked for, scope included.
CREATE FUNCTION balances_adjustment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posted record;
    moved numeric;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'adjustments stay' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NOT (NEW.status = 'PENDING' OR NEW.status = 'POSTED' AND NEW.approval = '') THEN
            RAISE EXCEPTION 'an adjustment begins by waiting for a second person, or is posted within its limit'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF NEW.api_key_id IS NOT NULL THEN
            PERFORM 1 FROM core_apikey
              WHERE id = NEW.api_key_id AND made_by_id IS NOT DISTINCT FROM NEW.made_by_id
                AND adjustment_limit = NEW.key_limit;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'its limit or its maker is not the API key''s'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
        END IF;
        IF NEW.seat_amounts IS NOT NULL THEN
            SELECT sum(abs(share::numeric)) INTO moved FROM jsonb_each_text(NEW.seat_amounts) AS asked(seat, share);
            IF NEW.amount <> (SELECT sum(share::numeric) FROM jsonb_each_text(NEW.seat_amounts) AS asked(seat, share))
               OR NEW.worth <> moved AND NEW.credit_type_id = '2714e483-4ff1-48e4-9e25-ac732e8f24f2' THEN
                RAISE EXCEPTION 'what seats get does not sum to what it moves'
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustment_dollars_are_worth_themselves';
            END IF;
        END IF;
        IF NEW.approval = '' THEN
            SELECT * INTO posted
              FROM balances_posted_alone(NEW.made_by_id, NEW.api_key_id, NEW.customer_id, NEW.made_at);
            IF NEW.worth + greatest(posted.by_maker, posted.for_customer) > NEW.limit_worth
               OR NEW.worth + greatest(posted.by_key, posted.for_customer) > NEW.key_limit THEN
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
            NEW.reason_code, NEW.public_reason, NEW.note, NEW.ticket_url, NEW.made_by_id, NEW.made_at, NEW.api_key_id,
            NEW.key_limit, NEW.by_key, NEW.entry_at, NEW.seat_amounts, NEW.uniqueness_key,
            NEW.applicable_product_ids, NEW.applicable_product_tags, NEW.contract_id, NEW.priority)
           IS DISTINCT FROM
           (OLD.id, OLD.customer_id, OLD.segment_id, OLD.product_id, OLD.credit_name, OLD.access_from, OLD.access_until,
            OLD.amount, OLD.credit_type_id, OLD.worth, OLD.limit_worth, OLD.by_maker, OLD.for_customer, OLD.approval,
            OLD.reason_code, OLD.public_reason, OLD.note, OLD.ticket_url, OLD.made_by_id, OLD.made_at, OLD.api_key_id,
            OLD.key_limit, OLD.by_key, OLD.entry_at, OLD.seat_amounts, OLD.uniqueness_key,
            OLD.applicable_product_ids, OLD.applicable_product_tags, OLD.contract_id, OLD.priority) THEN
            RAISE EXCEPTION 'what was asked for never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF NEW.status IN ('POSTED', 'REJECTED')
           AND NOT core_checker_is_independent(NEW.made_by_id, NEW.decided_by_id, NEW.decided_at) THEN
            RAISE EXCEPTION 'whoever was made or changed by the first person within seven days is no second one'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustment_checker_is_independent';
        END IF;
    END IF;
    IF NEW.entry_id IS NOT NULL AND NEW.seat_amounts IS NOT NULL THEN
        -- each seat that gets something has the one entry of it, in its own segment of that balance; there is no other
        PERFORM 1 FROM (
            SELECT seat, share::numeric AS share FROM jsonb_each_text(NEW.seat_amounts) AS asked(seat, share)
             WHERE share::numeric <> 0
        ) asked FULL JOIN (
            SELECT segment.seat_id, entry.amount FROM balances_ledgerentry entry
              JOIN balances_segment segment ON segment.id = entry.segment_id
              JOIN balances_segment named ON named.id = NEW.segment_id AND named.owner_id = segment.owner_id
             WHERE entry.kind = 'MANUAL'
               AND entry.id IN (SELECT made::bigint FROM jsonb_array_elements_text(NEW.seat_entries) AS made)
        ) made ON made.seat_id = asked.seat AND made.amount = asked.share
         WHERE made.seat_id IS NULL OR asked.seat IS NULL;
        IF FOUND OR NOT NEW.seat_entries @> to_jsonb(NEW.entry_id) THEN
            RAISE EXCEPTION 'its entries are not what was asked for' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF NEW.entry_id IS NOT NULL THEN
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
