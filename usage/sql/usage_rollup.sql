-- Value and events of each UTC hour of a day's row, NULL for an hour without events (models.HOURS): no fields of the
-- model, for the rollup worker alone reads and writes them.
ALTER TABLE usage_rollup
    ADD h0 numeric, ADD n0 bigint,
    ADD h1 numeric, ADD n1 bigint,
    ADD h2 numeric, ADD n2 bigint,
    ADD h3 numeric, ADD n3 bigint,
    ADD h4 numeric, ADD n4 bigint,
    ADD h5 numeric, ADD n5 bigint,
    ADD h6 numeric, ADD n6 bigint,
    ADD h7 numeric, ADD n7 bigint,
    ADD h8 numeric, ADD n8 bigint,
    ADD h9 numeric, ADD n9 bigint,
    ADD h10 numeric, ADD n10 bigint,
    ADD h11 numeric, ADD n11 bigint,
    ADD h12 numeric, ADD n12 bigint,
    ADD h13 numeric, ADD n13 bigint,
    ADD h14 numeric, ADD n14 bigint,
    ADD h15 numeric, ADD n15 bigint,
    ADD h16 numeric, ADD n16 bigint,
    ADD h17 numeric, ADD n17 bigint,
    ADD h18 numeric, ADD n18 bigint,
    ADD h19 numeric, ADD n19 bigint,
    ADD h20 numeric, ADD n20 bigint,
    ADD h21 numeric, ADD n21 bigint,
    ADD h22 numeric, ADD n22 bigint,
    ADD h23 numeric, ADD n23 bigint;

-- A step of the rollup worker rewrites most rows of a page: half of it is for their next versions.
ALTER TABLE usage_rollup SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
