-- What was decided at the end of a term stays as it was decided.
CREATE TRIGGER contracts_renewaldecision_append_only BEFORE UPDATE OR DELETE ON contracts_renewaldecision
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
