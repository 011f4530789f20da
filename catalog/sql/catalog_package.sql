-- One alias names one package at a time (catalog_text_range: catalog_ratecardalias.sql). What a package says never changes.
ALTER TABLE catalog_packagealias ADD CONSTRAINT package_alias_names_one_package EXCLUDE USING gist (
    catalog_text_range(name, name, '[]') WITH &&,
    tstzrange(starting_at, ending_before) WITH &&
);
CREATE FUNCTION catalog_package_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.archived_at IS NULL
        AND (NEW.id, NEW.name, NEW.template, NEW.created_at, NEW.created_by, NEW.uniqueness_key)
        IS NOT DISTINCT FROM (OLD.id, OLD.name, OLD.template, OLD.created_at, OLD.created_by, OLD.uniqueness_key) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a package never changes' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER catalog_package_guard BEFORE UPDATE OR DELETE ON catalog_package
    FOR EACH ROW EXECUTE FUNCTION catalog_package_guard();
