-- Room for the next versions of a row: the events of a value are counted up.
ALTER TABLE usage_rollupvalue SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
