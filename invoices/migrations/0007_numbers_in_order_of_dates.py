"""Documents are numbered without gaps in the series of their date's year, and a later number has no earlier date."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION invoices_numbered_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    series invoices_numberseries;
    place text := NEW.series_number::text;
BEGIN
    SELECT * INTO series FROM invoices_numberseries WHERE name = NEW.series_id;
    IF series.year IS DISTINCT FROM extract(year FROM NEW.document_date)
       OR NEW.number <> series.name || '-' || lpad(place, greatest(4, length(place)), '0') THEN
        RAISE EXCEPTION 'number % of % is not in the series of its year', NEW.number, NEW.document_date
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_number_in_series';
    END IF;
    IF NEW.series_number > 1 AND NOT EXISTS (
        SELECT FROM invoices_invoice before
        WHERE before.series_id = NEW.series_id AND before.series_number = NEW.series_number - 1
          AND before.document_date <= NEW.document_date
    ) THEN
        RAISE EXCEPTION 'number % of % does not follow one that is as old or older', NEW.number, NEW.document_date
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_numbers_in_order';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_numbered_in_order BEFORE INSERT OR UPDATE ON invoices_invoice FOR EACH ROW
    WHEN (NEW.number IS NOT NULL) EXECUTE FUNCTION invoices_numbered_in_order();
"""
BACKWARD = """
DROP TRIGGER invoices_numbered_in_order ON invoices_invoice;
DROP FUNCTION invoices_numbered_in_order();
"""


class Migration(migrations.Migration):
    dependencies = [("invoices", "0006_changes")]

    operations = [
        migrations.AddField(
            "numberseries", "year", models.PositiveSmallIntegerField(default=0), preserve_default=False
        ),
        migrations.AddField("numberseries", "last_date", models.DateField(null=True)),
        migrations.AddField(
            "invoice",
            "series",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="invoices",
                to="invoices.numberseries",
            ),
        ),
        migrations.AddField("invoice", "series_number", models.BigIntegerField(null=True)),
        migrations.AddField("invoice", "document_date", models.DateField(null=True)),
        migrations.AddField("invoice", "due_date", models.DateField(null=True)),
        migrations.AddConstraint(
            "invoice",
            models.UniqueConstraint(fields=("series", "series_number"), name="invoice_place_in_series_once"),
        ),
        migrations.AddConstraint(
            "invoice",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("document_date__isnull", True),
                        ("due_date__isnull", True),
                        ("number__isnull", True),
                        ("series__isnull", True),
                    ),
                    models.Q(
                        ("number__isnull", False),
                        ("series__isnull", False),
                        ("series_number__gte", 1),
                        ("series_number__isnull", False),
                        ("document_date__isnull", False),
                        (
                            "due_date",
                            models.ExpressionWrapper(
                                models.F("document_date") + models.F("net_payment_terms_days"),
                                output_field=models.DateField(),
                            ),
                        ),
                        ("due_date__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="invoice_is_dated_where_numbered",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
