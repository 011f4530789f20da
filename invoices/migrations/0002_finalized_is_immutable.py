"""What is finalized stays as it is: an invoice may only become void, its lines and its PDF never change."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION invoices_invoice_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'DRAFT' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status = 'FINALIZED' AND NEW.status = 'VOID' AND NEW.voided_at IS NOT NULL
       AND to_jsonb(NEW) - 'status' - 'voided_at' = to_jsonb(OLD) - 'status' - 'voided_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'invoice % is %: it never changes', OLD.id, OLD.status USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invoices_invoice_guard BEFORE UPDATE OR DELETE ON invoices_invoice
    FOR EACH ROW EXECUTE FUNCTION invoices_invoice_guard();

CREATE FUNCTION invoices_line_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND (SELECT status FROM invoices_invoice WHERE id = NEW.invoice_id) = 'DRAFT' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'lines of an invoice are written once, when it is finalized'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER invoices_line_guard BEFORE INSERT OR UPDATE OR DELETE ON invoices_invoiceline
    FOR EACH ROW EXECUTE FUNCTION invoices_line_guard();
CREATE TRIGGER invoices_document_append_only BEFORE UPDATE OR DELETE ON invoices_invoicedocument
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
"""
BACKWARD = """
DROP TRIGGER invoices_document_append_only ON invoices_invoicedocument;
DROP TRIGGER invoices_line_guard ON invoices_invoiceline;
DROP FUNCTION invoices_line_guard();
DROP TRIGGER invoices_invoice_guard ON invoices_invoice;
DROP FUNCTION invoices_invoice_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("invoices", "0001_invoices"), ("core", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
