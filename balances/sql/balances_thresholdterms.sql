-- What was agreed about charging by itself is only added to.
CREATE TRIGGER balances_thresholdterms_append_only BEFORE UPDATE OR DELETE ON balances_thresholdterms
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
