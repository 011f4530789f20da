-- What was posted alone in the day up to an instant: adjustments that nobody else decided, and what API keys with a limit
-- gave away in credits; by a person and their keys, by a key, for a customer.
CREATE FUNCTION balances_posted_alone(
    maker bigint, key uuid, customer uuid, at timestamptz,
    OUT by_maker numeric, OUT by_key numeric, OUT for_customer numeric
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(sum(worth) FILTER (WHERE made_by_id = maker), 0),
           coalesce(sum(worth) FILTER (WHERE api_key_id = key), 0),
           coalesce(sum(worth) FILTER (WHERE customer_id = customer), 0)
      INTO by_maker, by_key, for_customer FROM (
        SELECT worth, made_by_id, api_key_id, customer_id FROM balances_adjustment
         WHERE status = 'POSTED' AND approval = '' AND made_at > at - interval '24 hours'
           AND (made_by_id = maker OR api_key_id = key OR customer_id = customer)
        UNION ALL
        SELECT worth, made_by_id, api_key_id, customer_id FROM balances_keygift
         WHERE made_at > at - interval '24 hours'
           AND (made_by_id = maker OR api_key_id = key OR customer_id = customer)
      ) posted;
END $$;

-- A gift is its key's and within the limits of the day, and stays.
CREATE FUNCTION balances_keygift_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posted record;
BEGIN
    PERFORM 1 FROM core_apikey
      WHERE id = NEW.api_key_id AND made_by_id IS NOT DISTINCT FROM NEW.made_by_id AND adjustment_limit = NEW.key_limit;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'its limit or its maker is not the API key''s'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT * INTO posted FROM balances_posted_alone(NEW.made_by_id, NEW.api_key_id, NEW.customer_id, NEW.made_at);
    IF NEW.worth + greatest(posted.by_maker, posted.for_customer) > NEW.limit_worth
       OR NEW.worth + greatest(posted.by_key, posted.for_customer) > NEW.key_limit THEN
        RAISE EXCEPTION 'with what was posted within 24 hours this is above the limit'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'key_gift_within_the_limit_of_a_day';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER balances_keygift_guard BEFORE INSERT ON balances_keygift
    FOR EACH ROW EXECUTE FUNCTION balances_keygift_guard();
CREATE TRIGGER balances_keygift_append_only BEFORE UPDATE OR DELETE ON balances_keygift
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
