"""Events become an outbox that can be read by cursor: each row knows its version and the transaction that wrote it."""

from django.db import migrations, models

import core.fields

RENAME = "ALTER TRIGGER core_event_append_only ON core_outboxevent RENAME TO core_outboxevent_append_only"
BACK = "ALTER TRIGGER core_outboxevent_append_only ON core_outboxevent RENAME TO core_event_append_only"


class Migration(migrations.Migration):
    dependencies = [("core", "0002_append_only")]
    operations = [
        migrations.RenameModel("Event", "OutboxEvent"),
        migrations.RunSQL(RENAME, BACK),
        migrations.AlterModelOptions("OutboxEvent", {"verbose_name": "domain event"}),
        migrations.AddField(
            "OutboxEvent", "version", models.PositiveSmallIntegerField(default=1), preserve_default=False
        ),
        migrations.AddField(
            "OutboxEvent",
            "xact",
            core.fields.TransactionIdField(db_default=core.fields.CurrentTransactionId(), editable=False),
        ),
        migrations.RenameIndex("OutboxEvent", new_name="outbox_subject_idx", old_name="event_subject_idx"),
        migrations.RenameIndex("OutboxEvent", new_name="outbox_customer_idx", old_name="event_customer_idx"),
        migrations.AddIndex("OutboxEvent", models.Index(fields=["xact", "id"], name="outbox_order_idx")),
    ]
