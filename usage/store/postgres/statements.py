"""The statements that write."""

INSERT = """
WITH batch AS MATERIALIZED (
    SELECT nextval('usage_usageevent_id_seq') AS id, row.*
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
        AS row (transaction_id, customer_ref, event_type, "timestamp", properties)
)
INSERT INTO usage_usageevent (id, transaction_id, customer_ref, event_type, "timestamp", properties, received_at)
SELECT id, transaction_id, customer_ref, event_type, "timestamp", properties::jsonb, %s::timestamptz
FROM batch ORDER BY transaction_id COLLATE "C"
ON CONFLICT (transaction_id) DO NOTHING
RETURNING transaction_id
"""
"""Stores a batch (columns as arrays, then the time of receipt) and returns the ids that were new.

Ids are drawn in the order sent, since they are the order of arrival; rows are inserted in the order of their key, so
that batches which share events wait for each other in the same order and never deadlock.
"""
