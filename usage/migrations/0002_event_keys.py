"""Ids are remembered in a table of their own, so that they outlive their events' partitions."""

from django.db import migrations, models

from usage.store.postgres.keys import KEY_SQL

FILL = f"INSERT INTO usage_eventkey (key) SELECT {KEY_SQL.format('transaction_id')} FROM usage_usageevent ORDER BY 1"  # noqa: S608


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_events")]

    operations = [
        migrations.CreateModel(
            name="EventKey",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("digest", models.BigIntegerField(null=True)),
            ],
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
