-- The rows of the running minute are rewritten with every batch: room for their next versions on the same page.
ALTER TABLE usage_ingestminute SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
