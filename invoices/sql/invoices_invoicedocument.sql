-- An invoice's PDF never changes.
CREATE TRIGGER invoices_document_append_only BEFORE UPDATE OR DELETE ON invoices_invoicedocument
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
