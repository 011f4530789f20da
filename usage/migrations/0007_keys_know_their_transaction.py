"""A key remembers the transaction that stored it, which is its event's too: so an event is found by its id."""

from django.db import migrations, models

FILL = """
UPDATE usage_eventkey k SET xact = e.xact FROM (
    SELECT encode(substr(sha256(convert_to(transaction_id, 'UTF8')), 1, 16), 'hex')::uuid AS key, xact FROM usage_usageevent
) e WHERE e.key = k.key
"""
DEFAULT = "ALTER TABLE usage_eventkey ALTER xact SET DEFAULT usage_xact(pg_current_xact_id())"


class Migration(migrations.Migration):
    dependencies = [("usage", "0006_rollups")]

    operations = [
        migrations.AddField(
            "EventKey", "xact", models.BigIntegerField(default=0, editable=False), preserve_default=False
        ),
        migrations.RunSQL(DEFAULT, "ALTER TABLE usage_eventkey ALTER xact DROP DEFAULT"),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
