"""Documents keep their parties and their amounts in minor units; what lines come to is proven when it commits."""

import django.db.models.expressions
import django.db.models.functions.math
from django.db import migrations, models

import core.fields

FORWARD = """
CREATE FUNCTION invoices_document_sums() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.document_subtotal <> (
        SELECT coalesce(sum(document_amount), 0) FROM invoices_invoiceline WHERE invoice_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'the lines of document % do not sum to its subtotal', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_document_sums';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_document_sums AFTER INSERT OR UPDATE ON invoices_invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.number IS NOT NULL) EXECUTE FUNCTION invoices_document_sums();
"""
BACKWARD = """
DROP TRIGGER invoices_document_sums ON invoices_invoice;
DROP FUNCTION invoices_document_sums();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("balances", "0012_earlier_terms_of_recurring_grants"),
        ("catalog", "0015_changes_of_credit_types"),
        ("contracts", "0007_changes"),
        ("customers", "0004_changes"),
        ("invoices", "0007_numbers_in_order_of_dates"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="invoice",
            name="invoice_amounts_finite",
        ),
        migrations.RemoveConstraint(
            model_name="invoice",
            name="invoice_final_is_complete",
        ),
        migrations.RemoveConstraint(
            model_name="invoiceline",
            name="invoice_line_amounts_finite",
        ),
        migrations.AddField(
            model_name="invoice",
            name="buyer",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="invoice",
            name="content_version",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="invoice",
            name="contract_name",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="invoice",
            name="document_subtotal",
            field=core.fields.ExactDecimalField(null=True),
        ),
        migrations.AddField(
            model_name="invoice",
            name="document_tax",
            field=core.fields.ExactDecimalField(null=True),
        ),
        migrations.AddField(
            model_name="invoice",
            name="document_total",
            field=core.fields.ExactDecimalField(null=True),
        ),
        migrations.AddField(
            model_name="invoice",
            name="seller",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="invoiceline",
            name="document_amount",
            field=core.fields.ExactDecimalField(null=True),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("subtotal__isnull", True), models.Q(("subtotal", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("subtotal__isnull", True), models.Q(("subtotal", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("subtotal__isnull", True), models.Q(("subtotal", "-Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(("rounding__isnull", True), models.Q(("rounding", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("rounding__isnull", True), models.Q(("rounding", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("rounding__isnull", True), models.Q(("rounding", "-Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(("total__isnull", True), models.Q(("total", "NaN"), _negated=True), _connector="OR"),
                    models.Q(("total__isnull", True), models.Q(("total", "Infinity"), _negated=True), _connector="OR"),
                    models.Q(("total__isnull", True), models.Q(("total", "-Infinity"), _negated=True), _connector="OR"),
                    models.Q(
                        ("draft_total__isnull", True), models.Q(("draft_total", "NaN"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("draft_total__isnull", True),
                        models.Q(("draft_total", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("draft_total__isnull", True),
                        models.Q(("draft_total", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_subtotal__isnull", True),
                        models.Q(("document_subtotal", "NaN"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_subtotal__isnull", True),
                        models.Q(("document_subtotal", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_subtotal__isnull", True),
                        models.Q(("document_subtotal", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_tax__isnull", True),
                        models.Q(("document_tax", "NaN"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_tax__isnull", True),
                        models.Q(("document_tax", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_tax__isnull", True),
                        models.Q(("document_tax", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_total__isnull", True),
                        models.Q(("document_total", "NaN"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_total__isnull", True),
                        models.Q(("document_total", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_total__isnull", True),
                        models.Q(("document_total", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                ),
                name="invoice_amounts_finite",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("document_subtotal__isnull", True),
                        ("document_subtotal", django.db.models.functions.math.Floor("document_subtotal")),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_tax__isnull", True),
                        ("document_tax", django.db.models.functions.math.Floor("document_tax")),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_total__isnull", True),
                        ("document_total", django.db.models.functions.math.Floor("document_total")),
                        _connector="OR",
                    ),
                ),
                name="invoice_document_amounts_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("number__isnull", True), ("status", "DRAFT"), ("total__isnull", True)),
                    models.Q(
                        models.Q(("status", "DRAFT"), _negated=True),
                        ("issued_at__isnull", False),
                        ("rounding__isnull", False),
                        ("subtotal__isnull", False),
                        ("total__isnull", False),
                        ("content_version__isnull", False),
                        ("finalized_at__isnull", False),
                        ("number__isnull", False),
                        ("buyer__isnull", False),
                        ("document_total__isnull", False),
                        ("seller__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="invoice_final_is_complete",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("document_total__isnull", True),
                    models.Q(
                        ("document_subtotal__isnull", False),
                        ("document_tax__isnull", False),
                        (
                            "document_total",
                            django.db.models.expressions.CombinedExpression(
                                models.F("document_subtotal"), "+", models.F("document_tax")
                            ),
                        ),
                    ),
                    _connector="OR",
                ),
                name="invoice_document_adds_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quantity__isnull", True), models.Q(("quantity", "NaN"), _negated=True), _connector="OR"),
                    models.Q(
                        ("quantity__isnull", True), models.Q(("quantity", "Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("quantity__isnull", True), models.Q(("quantity", "-Infinity"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("unit_price__isnull", True), models.Q(("unit_price", "NaN"), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("unit_price__isnull", True),
                        models.Q(("unit_price", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("unit_price__isnull", True),
                        models.Q(("unit_price", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(("total__isnull", True), models.Q(("total", "NaN"), _negated=True), _connector="OR"),
                    models.Q(("total__isnull", True), models.Q(("total", "Infinity"), _negated=True), _connector="OR"),
                    models.Q(("total__isnull", True), models.Q(("total", "-Infinity"), _negated=True), _connector="OR"),
                    models.Q(
                        ("quantity_consumed__isnull", True),
                        models.Q(("quantity_consumed", "NaN"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("quantity_consumed__isnull", True),
                        models.Q(("quantity_consumed", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("quantity_consumed__isnull", True),
                        models.Q(("quantity_consumed", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_amount__isnull", True),
                        models.Q(("document_amount", "NaN"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_amount__isnull", True),
                        models.Q(("document_amount", "Infinity"), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("document_amount__isnull", True),
                        models.Q(("document_amount", "-Infinity"), _negated=True),
                        _connector="OR",
                    ),
                ),
                name="invoice_line_amounts_finite",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("document_amount__isnull", True),
                    ("document_amount", django.db.models.functions.math.Floor("document_amount")),
                    _connector="OR",
                ),
                name="invoice_line_document_amount_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("counted", True), ("document_amount__isnull", False)),
                    models.Q(("counted", False), ("document_amount__isnull", True)),
                    _connector="OR",
                ),
                name="invoice_line_on_document_where_counted",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
