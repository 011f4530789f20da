"""A block index over the time of receipt: reconciliation reads only the stretch that it is about."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("usage", "0007_keys_know_their_transaction")]

    operations = [
        migrations.AddIndex(
            model_name="usageevent",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["received_at"], name="usage_event_received_idx", pages_per_range=32, autosummarize=True
            ),
        ),
    ]
