"""The hours of a day become columns of the day's row, but for LATEST."""

from django.db import migrations

HOURS = range(24)
COLUMNS = ", ".join(f"ADD h{hour} numeric, ADD n{hour} bigint" for hour in HOURS)
FORWARD = f"""
ALTER TABLE usage_rollup {COLUMNS};
UPDATE usage_rollup d SET {", ".join(f"h{hour} = f.h{hour}, n{hour} = f.n{hour}" for hour in HOURS)}
FROM (
    SELECT series_id, customer_ref, date_bin('1 day', bucket, '2000-01-01 00:00+00') AS day, groups_key,
        {", ".join(f"max(value) FILTER (WHERE hour = {n}) AS h{n}, max(events) FILTER (WHERE hour = {n}) AS n{n}" for n in HOURS)}
    FROM (
        SELECT *, extract(hour FROM bucket AT TIME ZONE 'UTC') AS hour FROM usage_rollup
        WHERE grain = 'H' AND latest_at IS NULL
    ) hourly GROUP BY 1, 2, 3, 4
) f
WHERE d.series_id = f.series_id AND d.customer_ref = f.customer_ref AND d.grain = 'D' AND d.bucket = f.day
    AND d.groups_key = f.groups_key;
DELETE FROM usage_rollup WHERE grain = 'H' AND latest_at IS NULL;
-- Room on the page for a row to grow in.
ALTER TABLE usage_rollup SET (fillfactor = 70);
"""  # noqa: S608
BACKWARD = f"""
INSERT INTO usage_rollup (series_id, customer_ref, grain, bucket, groups_key, groups, events, value)
SELECT series_id, customer_ref, 'H', bucket + hour.number * interval '1 hour', groups_key, groups, hour.events, hour.value
FROM usage_rollup CROSS JOIN LATERAL (
    VALUES {", ".join(f"({hour}, h{hour}, n{hour})" for hour in HOURS)}
) hour (number, value, events) WHERE grain = 'D' AND hour.events IS NOT NULL;
ALTER TABLE usage_rollup {", ".join(f"DROP h{hour}, DROP n{hour}" for hour in HOURS)};
ALTER TABLE usage_rollup RESET (fillfactor);
"""  # noqa: S608


class Migration(migrations.Migration):
    dependencies = [("usage", "0009_dropped_events_stay_counted")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
