-- What was credited is only added to.
CREATE TRIGGER plans_unusedcredit_append_only BEFORE UPDATE OR DELETE ON plans_unusedcredit
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
