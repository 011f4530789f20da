"""Credit types are read with the terms that are kept (0014)."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER catalog_credittype_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_credittype
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0014_changes")]
    operations = [migrations.RunSQL(FORWARD, "DROP TRIGGER catalog_credittype_changed ON catalog_credittype;")]
