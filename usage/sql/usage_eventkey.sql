-- A key's transaction is its event's, so that an event is found by its id: both take it from the same place.
ALTER TABLE usage_eventkey ALTER xact SET DEFAULT usage_xact(pg_current_xact_id());
