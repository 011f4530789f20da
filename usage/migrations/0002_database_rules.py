from datetime import timedelta

from django.db import migrations

from core.sql_files import run_sql_files
from usage.store.postgres.partitions import add_month, months_from

AROUND_NOW = timedelta(days=62)


def add_months(_apps, schema_editor):
    """Partitions for the last two months and the next two; a task adds the others as they come."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        [(now,)] = cursor.fetchall()
        for month in months_from(now - AROUND_NOW, now + AROUND_NOW):
            add_month(cursor, month)


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]

    operations = [
        run_sql_files(
            "usage", "usage_usageevent", "usage_eventkey", "usage_ingestminute", "usage_rollup", "usage_rollupvalue"
        ),
        migrations.RunPython(add_months),
    ]
