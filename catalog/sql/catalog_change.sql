-- Which transactions changed the catalog: how a process knows that what it has read still stands (catalog/selectors/terms.py).
-- A row for each statement that changes one of the tables below, in the same transaction; rows of the day before go as
-- new ones come. No model: core.postgres.snapshot_cache alone reads it.
CREATE TABLE catalog_change (
    xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX catalog_change_xact ON catalog_change (xact);

CREATE FUNCTION catalog_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_change DEFAULT VALUES;
    DELETE FROM catalog_change WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM catalog_change WHERE at < now() - interval '1 day' LIMIT 100 FOR UPDATE SKIP LOCKED
    ));
    RETURN NULL;
END $$;

-- Every table that the terms of a card are made of.
CREATE TRIGGER catalog_rate_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_rate
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();
CREATE TRIGGER catalog_product_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_product
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();
CREATE TRIGGER catalog_productversion_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_productversion
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();
CREATE TRIGGER catalog_ratecard_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_ratecard
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();
CREATE TRIGGER catalog_billablemetric_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_billablemetric
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();
CREATE TRIGGER catalog_credittypeconversion_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_credittypeconversion
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();
CREATE TRIGGER catalog_credittype_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_credittype
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();
