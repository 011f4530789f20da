-- Acts that somebody did alone are only added to, and with those of the 24 hours before they stay within the limit.
CREATE TRIGGER core_soloact_append_only BEFORE UPDATE OR DELETE ON core_soloact
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();

CREATE FUNCTION core_soloact_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    by_person numeric;
    by_key numeric;
BEGIN
    -- the locks of core.approvals.count_alone: two at once are one after the other here too
    IF NEW.api_key_id IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('acts:key:' || NEW.api_key_id, 0));
    END IF;
    IF NEW.made_by_id IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('acts:person:' || NEW.made_by_id, 0));
    END IF;
    SELECT coalesce(sum(worth) FILTER (WHERE made_by_id = NEW.made_by_id), 0),
           coalesce(sum(worth) FILTER (WHERE api_key_id = NEW.api_key_id), 0)
      INTO by_person, by_key FROM core_soloact
     WHERE at > NEW.at - interval '24 hours' AND (made_by_id = NEW.made_by_id OR api_key_id = NEW.api_key_id);
    IF NEW.worth + greatest(by_person, by_key) > NEW.limit_worth THEN
        RAISE EXCEPTION 'with what was done within 24 hours this is above the limit'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'solo_act_within_the_limit_of_a_day';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_soloact_guard BEFORE INSERT ON core_soloact
    FOR EACH ROW EXECUTE FUNCTION core_soloact_guard();
