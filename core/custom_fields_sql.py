"""For migrations: how the database keeps the values of unique custom fields apart."""

from django.db.migrations import RunSQL


def keeping(table: str, kind: str) -> RunSQL:
    """For migrations: has the custom fields of a table's rows kept unique. `kind`: SQL for the entity, of row NEW."""
    return RunSQL(
        f"""
CREATE FUNCTION {table}_custom_fields() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM core_keep_custom_fields({kind}, NEW.id, NEW.custom_fields);
    RETURN NULL;
END $$;
CREATE TRIGGER {table}_custom_fields_added AFTER INSERT ON {table} FOR EACH ROW WHEN (NEW.custom_fields <> '{{}}')
    EXECUTE FUNCTION {table}_custom_fields();
CREATE TRIGGER {table}_custom_fields_changed AFTER UPDATE OF custom_fields ON {table} FOR EACH ROW
    WHEN (NEW.custom_fields IS DISTINCT FROM OLD.custom_fields) EXECUTE FUNCTION {table}_custom_fields();
"""
    )
