-- Whether nobody may say that the first one chose the second: not the same person, and no account that the first one
-- made or changed, or had a part in making or changing, within the seven days before. Other apps' tables ask it too.
CREATE FUNCTION core_checker_is_independent(maker integer, checker integer, moment timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT maker IS DISTINCT FROM checker AND NOT EXISTS (
        SELECT 1 FROM core_approvalrequest
         WHERE account_id = checker AND status = 'DONE' AND decided_at > moment - interval '7 days'
           AND (made_by_id = maker OR decided_by_id = maker))
$$;

-- What was asked for never changes, a decision is made once, by an independent second person.
CREATE FUNCTION core_approvalrequest_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'requests stay' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'PENDING' THEN
            RAISE EXCEPTION 'a request begins by waiting for a second person'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.status <> 'PENDING' THEN
        RAISE EXCEPTION 'request % is decided', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.id, NEW.act, NEW.subject_type, NEW.subject_id, NEW.title, NEW.parameters, NEW.worth, NEW.limit_worth,
        NEW.reason, NEW.made_by_id, NEW.made_at)
       IS DISTINCT FROM
       (OLD.id, OLD.act, OLD.subject_type, OLD.subject_id, OLD.title, OLD.parameters, OLD.worth, OLD.limit_worth,
        OLD.reason, OLD.made_by_id, OLD.made_at)
       OR OLD.account_id IS NOT NULL AND NEW.account_id IS DISTINCT FROM OLD.account_id
       OR OLD.account_id IS NULL AND NEW.account_id IS NOT NULL AND NEW.status <> 'DONE' THEN
        RAISE EXCEPTION 'what was asked for never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.status IN ('DONE', 'REJECTED')
       AND NOT core_checker_is_independent(NEW.made_by_id, NEW.decided_by_id, NEW.decided_at) THEN
        RAISE EXCEPTION 'whoever was made or changed by the first person within seven days is no second one'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_checker_is_independent';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_approvalrequest_guard BEFORE INSERT OR UPDATE OR DELETE ON core_approvalrequest
    FOR EACH ROW EXECUTE FUNCTION core_approvalrequest_guard();
