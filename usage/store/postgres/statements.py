"""The statements that write."""

INSERT = """
WITH batch AS MATERIALIZED (
    SELECT nextval('usage_usageevent_arrival_seq') AS arrival, row.*
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
        AS row (key, transaction_id, customer_ref, event_type, "timestamp", properties)
), fresh AS (
    INSERT INTO usage_eventkey (key) SELECT key FROM batch ORDER BY key ON CONFLICT (key) DO NOTHING RETURNING key
), stored AS (
    INSERT INTO usage_usageevent
        (arrival, transaction_id, customer_ref, event_type, "timestamp", properties, received_at)
    SELECT arrival, transaction_id, customer_ref, event_type, "timestamp", properties::jsonb, %s::timestamptz
    FROM batch JOIN fresh USING (key) ORDER BY arrival
    RETURNING transaction_id
), counters AS (
    INSERT INTO usage_ingestminute AS m (minute, shard, accepted, duplicates, conflicts, rejected)
    SELECT %s::timestamptz, 0, (SELECT count(*) FROM fresh),
        (SELECT count(*) FROM batch) - (SELECT count(*) FROM fresh) + %s, 0, 0
    ON CONFLICT (minute, shard) DO UPDATE
        SET accepted = m.accepted + excluded.accepted, duplicates = m.duplicates + excluded.duplicates
)
SELECT transaction_id FROM stored
"""
"""Stores a batch (columns as arrays, the time of receipt, its minute, and how many more were repetitions within the
batch) and returns the ids that were new.

Arrivals are drawn in the order sent; keys are inserted in their own order, so that batches which share events wait for
each other in the same order and never deadlock.
"""
