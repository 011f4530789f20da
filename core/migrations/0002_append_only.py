"""Events and the audit trail are append-only, whoever asks."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION tactus_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER core_event_append_only BEFORE UPDATE OR DELETE ON core_event
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
CREATE TRIGGER core_auditentry_append_only BEFORE UPDATE OR DELETE ON core_auditentry
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
"""
BACKWARD = """
DROP TRIGGER core_event_append_only ON core_event;
DROP TRIGGER core_auditentry_append_only ON core_auditentry;
DROP FUNCTION tactus_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_kernel")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
