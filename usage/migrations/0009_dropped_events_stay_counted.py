"""Events whose partition was dropped stay in the counters, so that reconciliation still adds up."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("usage", "0008_events_by_time_of_receipt")]

    operations = [
        migrations.AddField("IngestMinute", "dropped", models.BigIntegerField(db_default=0, default=0)),
        migrations.AddConstraint(
            "IngestMinute",
            models.CheckConstraint(condition=Q(dropped__gte=0), name="usage_minute_dropped_not_negative"),
        ),
    ]
