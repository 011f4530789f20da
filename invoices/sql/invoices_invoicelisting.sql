-- Drafts (open billing periods) and documents as one list. Columns and types are those of invoices.models.InvoiceListing.
CREATE VIEW invoices_invoicelisting AS
SELECT id, customer_id, contract_id, credit_type_id, type, 'DRAFT'::varchar(10) AS status, period_start, period_end,
       due_at, attempts, last_error, next_attempt_at, draft_total, draft_total_at, NULL::varchar(40) AS number, NULL::date AS document_date,
       NULL::date AS due_date, NULL::jsonb AS seller, NULL::jsonb AS buyer, ''::varchar(200) AS contract_name,
       NULL::numeric AS subtotal,
       NULL::numeric AS rounding, NULL::numeric AS total, NULL::timestamptz AS issued_at,
       NULL::timestamptz AS finalized_at, NULL::timestamptz AS voided_at, '[]'::jsonb AS unrated,
       ''::varchar(64) AS content_hash, reopened_from_id AS regenerated_from_id, net_payment_terms_days, created_at
FROM billing_billingperiod WHERE state = 'OPEN'
UNION ALL
SELECT id, customer_id, contract_id, credit_type_id, type, status, period_start, period_end,
       due_at, 0::smallint, ''::varchar(500), NULL::timestamptz, NULL::numeric, NULL::timestamptz, number, document_date,
       due_date, seller, buyer, contract_name, subtotal,
       rounding, total, issued_at,
       finalized_at, voided_at, unrated,
       content_hash, regenerated_from_id, net_payment_terms_days, created_at
FROM invoices_invoice;
