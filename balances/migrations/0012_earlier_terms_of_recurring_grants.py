"""What held of recurring commits and credits before they were edited: what has begun keeps it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("balances", "0011_scope_is_part_of_what_was_asked"),
    ]

    operations = [
        migrations.AddField(
            model_name="recurringgrant",
            name="earlier_terms",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
