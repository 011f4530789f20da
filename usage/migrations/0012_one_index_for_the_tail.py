"""One index for the roller and for readers of what it has not added up yet, in the order in which events come in.

None of the indexes looks for repeated entries any more, which there are few of.
"""

from django.contrib.postgres.indexes import BTreeIndex
from django.db import migrations
from django.db.models.functions import Collate

ROOM = "ALTER TABLE usage_rollup SET (fillfactor = {})"


class Migration(migrations.Migration):
    dependencies = [("usage", "0011_the_tail_of_a_customer")]

    operations = [
        migrations.RemoveIndex("UsageEvent", "usage_event_tail_idx"),
        migrations.AddIndex(
            "UsageEvent",
            BTreeIndex("xact", Collate("customer_ref", "C"), name="usage_event_tail_idx", deduplicate_items=False),
        ),
        migrations.RemoveIndex("UsageEvent", "usage_event_xact_idx"),
        migrations.RemoveIndex("UsageEvent", "usage_event_customer_idx"),
        migrations.AddIndex(
            "UsageEvent",
            BTreeIndex(fields=["customer_ref", "timestamp"], name="usage_event_customer_idx", deduplicate_items=False),
        ),
        # A step of the roller rewrites most rows of a page: half of it is for their next versions.
        migrations.RunSQL(ROOM.format(50), ROOM.format(70)),
    ]
