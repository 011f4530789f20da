"""For migrations: how the database notes that a customer's agreements or bookings have changed.

`core.postgres.snapshot_cache` asks it.
"""

from django.db.migrations import RunSQL


def noting(table: str, whose: str = "r.customer_id", unless: tuple[str, ...] = ()) -> RunSQL:
    """Has every change of a row of `table` noted for its customer, in the same transaction.

    `whose`: SQL for the customer's id, of the row `r`. `unless`: columns whose change alone is none.
    """
    differs = "to_jsonb({row})" + "".join(f" - '{name}'" for name in unless)
    when = f"WHEN ({differs.format(row='OLD')} IS DISTINCT FROM {differs.format(row='NEW')})" if unless else ""
    forward = f"""
CREATE FUNCTION {table}_noted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    r {table};
BEGIN
    IF TG_OP <> 'INSERT' THEN
        r := OLD;
        PERFORM customers_note_change({whose});
    END IF;
    IF TG_OP <> 'DELETE' THEN
        r := NEW;
        PERFORM customers_note_change({whose});
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER {table}_came_or_went AFTER INSERT OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_noted();
CREATE TRIGGER {table}_changed AFTER UPDATE ON {table} FOR EACH ROW {when} EXECUTE FUNCTION {table}_noted();
"""
    backward = f"""
DROP TRIGGER {table}_changed ON {table};
DROP TRIGGER {table}_came_or_went ON {table};
DROP FUNCTION {table}_noted();
"""
    return RunSQL(forward, backward)
