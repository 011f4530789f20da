"""An index for what readers ask most: a customer's events that are not in the rollups yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0010_hours_within_days")]

    operations = [
        migrations.AddIndex("UsageEvent", models.Index(fields=["customer_ref", "xact"], name="usage_event_tail_idx")),
    ]
