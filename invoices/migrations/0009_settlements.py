"""Each issued invoice has one settlement, which asks for what the document says and goes on from there."""

from decimal import Decimal

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
from django.db import migrations, models

import core.fields

FORWARD = """
CREATE FUNCTION invoices_settlement_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state <> 'VOID'
       AND (NEW.invoice_id, NEW.due_on, NEW.amount_due) = (OLD.invoice_id, OLD.due_on, OLD.amount_due) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the settlement of % stays, and so does what is due', OLD.invoice_id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invoices_settlement_guard BEFORE UPDATE OR DELETE ON invoices_settlement
    FOR EACH ROW EXECUTE FUNCTION invoices_settlement_guard();

-- The argument names the column that holds the invoice's id.
CREATE FUNCTION invoices_settled_as_issued() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    document uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoices_invoice invoice JOIN invoices_settlement settlement ON settlement.invoice_id = invoice.id
        WHERE invoice.id = document AND settlement.due_on = invoice.due_date
          AND settlement.amount_due = greatest(invoice.document_total, 0)
          AND (settlement.state = 'VOID') = (invoice.status = 'VOID')
    ) THEN
        RAISE EXCEPTION 'the settlement of document % is not what it asks for', document
            USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_as_issued';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_settled_as_issued AFTER INSERT OR UPDATE ON invoices_invoice
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.number IS NOT NULL) EXECUTE FUNCTION invoices_settled_as_issued('id');
CREATE CONSTRAINT TRIGGER invoices_settled_as_issued AFTER INSERT OR UPDATE ON invoices_settlement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoices_settled_as_issued('invoice_id');
"""
BACKWARD = """
DROP TRIGGER invoices_settled_as_issued ON invoices_settlement;
DROP TRIGGER invoices_settled_as_issued ON invoices_invoice;
DROP FUNCTION invoices_settled_as_issued();
DROP TRIGGER invoices_settlement_guard ON invoices_settlement;
DROP FUNCTION invoices_settlement_guard();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("invoices", "0008_documents_frozen"),
    ]

    operations = [
        migrations.CreateModel(
            name="Settlement",
            fields=[
                (
                    "invoice",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="settlement",
                        serialize=False,
                        to="invoices.invoice",
                    ),
                ),
                ("due_on", models.DateField()),
                ("amount_due", core.fields.ExactDecimalField()),
                ("amount_paid", core.fields.ExactDecimalField(default=Decimal(0))),
                ("amount_credited", core.fields.ExactDecimalField(default=Decimal(0))),
                ("amount_written_off", core.fields.ExactDecimalField(default=Decimal(0))),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("OPEN", "OPEN"),
                            ("PARTIALLY_PAID", "PARTIALLY_PAID"),
                            ("PAID", "PAID"),
                            ("UNCOLLECTIBLE", "UNCOLLECTIBLE"),
                            ("VOID", "VOID"),
                        ],
                        max_length=20,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount_due__isnull", True),
                                models.Q(("amount_due", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_due__isnull", True),
                                models.Q(("amount_due", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_due__isnull", True),
                                models.Q(("amount_due", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_paid__isnull", True),
                                models.Q(("amount_paid", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_paid__isnull", True),
                                models.Q(("amount_paid", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_paid__isnull", True),
                                models.Q(("amount_paid", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_credited__isnull", True),
                                models.Q(("amount_credited", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_credited__isnull", True),
                                models.Q(("amount_credited", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_credited__isnull", True),
                                models.Q(("amount_credited", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_written_off__isnull", True),
                                models.Q(("amount_written_off", "NaN"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_written_off__isnull", True),
                                models.Q(("amount_written_off", "Infinity"), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_written_off__isnull", True),
                                models.Q(("amount_written_off", "-Infinity"), _negated=True),
                                _connector="OR",
                            ),
                        ),
                        name="settlement_amounts_finite",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount_due__isnull", True),
                                ("amount_due", django.db.models.functions.math.Floor("amount_due")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_paid__isnull", True),
                                ("amount_paid", django.db.models.functions.math.Floor("amount_paid")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_credited__isnull", True),
                                ("amount_credited", django.db.models.functions.math.Floor("amount_credited")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("amount_written_off__isnull", True),
                                ("amount_written_off", django.db.models.functions.math.Floor("amount_written_off")),
                                _connector="OR",
                            ),
                        ),
                        name="settlement_amounts_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_credited__gte", 0),
                            ("amount_due__gte", 0),
                            ("amount_paid__gte", 0),
                            ("amount_written_off__gte", 0),
                        ),
                        name="settlement_amounts_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "amount_due__gte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("amount_paid"), "+", models.F("amount_credited")
                                    ),
                                    "+",
                                    models.F("amount_written_off"),
                                ),
                            )
                        ),
                        name="settlement_takes_what_is_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "amount_due__gt",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("amount_paid"), "+", models.F("amount_credited")
                                        ),
                                        "+",
                                        models.F("amount_written_off"),
                                    ),
                                ),
                                ("amount_paid", 0),
                                ("amount_written_off", 0),
                                ("state", "OPEN"),
                            ),
                            models.Q(
                                (
                                    "amount_due__gt",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("amount_paid"), "+", models.F("amount_credited")
                                        ),
                                        "+",
                                        models.F("amount_written_off"),
                                    ),
                                ),
                                ("amount_paid__gt", 0),
                                ("amount_written_off", 0),
                                ("state", "PARTIALLY_PAID"),
                            ),
                            models.Q(
                                (
                                    "amount_due__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("amount_paid"), "+", models.F("amount_credited")
                                        ),
                                        "+",
                                        models.F("amount_written_off"),
                                    ),
                                ),
                                ("amount_written_off", 0),
                                ("state", "PAID"),
                            ),
                            models.Q(
                                (
                                    "amount_due__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("amount_paid"), "+", models.F("amount_credited")
                                        ),
                                        "+",
                                        models.F("amount_written_off"),
                                    ),
                                ),
                                ("amount_written_off__gt", 0),
                                ("state", "UNCOLLECTIBLE"),
                            ),
                            ("state", "VOID"),
                            _connector="OR",
                        ),
                        name="settlement_state_follows_its_amounts",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
