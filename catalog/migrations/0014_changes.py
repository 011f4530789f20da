"""Which transactions changed the catalog: how a process knows that what it has read still stands (selectors/kept.py).

A row for each statement that changes one of the tables, in the same transaction; rows of the day before go as new ones
come.
"""

from django.db import migrations

TABLES = ("rate", "product", "productversion", "ratecard", "billablemetric", "credittypeconversion")
LOG = """
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
"""
TRIGGER = """
CREATE TRIGGER catalog_{table}_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_{table}
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();
"""
FORWARD = LOG + "".join(TRIGGER.format(table=table) for table in TABLES)
BACKWARD = (
    "".join(f"DROP TRIGGER catalog_{table}_changed ON catalog_{table};\n" for table in TABLES)
    + "DROP FUNCTION catalog_note_change();\nDROP TABLE catalog_change;\n"
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0013_custom_rates")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
