-- Events by month (usage/store/postgres/partitions.py). Django made the table from its model, whole: this one takes its
-- place, with the same columns, checks and indexes, but no key. usage_eventkey lets each transaction id in once.

-- The number of the transaction that wrote a row. Made anew with a higher scale where data was restored on another
-- server, whose numbers begin again (usage/store/postgres/rollup_worker.py).
CREATE FUNCTION usage_xact(xid8) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT $1::text::bigint';

DROP TABLE usage_usageevent;
CREATE SEQUENCE usage_usageevent_arrival_seq AS bigint;
CREATE TABLE usage_usageevent (
    arrival bigint NOT NULL DEFAULT nextval('usage_usageevent_arrival_seq'),
    transaction_id varchar(128) NOT NULL,
    customer_ref varchar(128) NOT NULL,
    event_type varchar(200) NOT NULL,
    "timestamp" timestamptz NOT NULL,
    properties jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    xact bigint NOT NULL DEFAULT usage_xact(pg_current_xact_id()),
    CONSTRAINT usage_event_has_id CHECK (transaction_id <> ''),
    CONSTRAINT usage_event_has_customer CHECK (customer_ref <> '')
) PARTITION BY RANGE ("timestamp");
ALTER SEQUENCE usage_usageevent_arrival_seq OWNED BY usage_usageevent.arrival;

-- What has no month goes here: nothing is refused.
CREATE TABLE usage_usageevent_default PARTITION OF usage_usageevent DEFAULT;

CREATE INDEX usage_event_customer_idx ON usage_usageevent (customer_ref, "timestamp") WITH (deduplicate_items = off);
CREATE INDEX usage_event_tail_idx ON usage_usageevent (xact, customer_ref COLLATE "C") WITH (deduplicate_items = off);
CREATE INDEX usage_event_received_idx ON usage_usageevent USING brin (received_at)
    WITH (autosummarize = on, pages_per_range = 32);
