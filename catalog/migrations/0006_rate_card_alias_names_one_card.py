"""One alias, one card at a time. Without contrib extensions GiST knows no text, but it knows ranges of it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_rate_cards")]

    operations = [
        migrations.RunSQL(
            'CREATE TYPE catalog_text_range AS RANGE (subtype = text, collation = "C")',
            "DROP TYPE catalog_text_range",
        ),
        migrations.RunSQL(
            """
            ALTER TABLE catalog_ratecardalias ADD CONSTRAINT rate_card_alias_names_one_card EXCLUDE USING gist (
                catalog_text_range(name, name, '[]') WITH &&,
                tstzrange(starting_at, ending_before) WITH &&
            )
            """,
            "ALTER TABLE catalog_ratecardalias DROP CONSTRAINT rate_card_alias_names_one_card",
        ),
    ]
