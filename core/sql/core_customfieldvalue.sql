-- Values of unique keys are kept apart, so that a unique index proves them. Every table of records with custom fields
-- has a trigger that calls this (core.custom_fields_sql.keeping), whoever writes there and whichever way.
CREATE FUNCTION core_keep_custom_fields(kind text, record uuid, fields jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM core_customfieldvalue kept
    WHERE kept.entity = kind AND kept.record_id = record AND (fields ->> kept.key) IS DISTINCT FROM kept.value;
    INSERT INTO core_customfieldvalue (entity, key, value, record_id)
    SELECT kind, known.key, fields ->> known.key, record
    FROM core_customfieldkey known
    WHERE known.entity = kind AND known.enforce_uniqueness AND fields ? known.key
      AND NOT EXISTS (
          SELECT FROM core_customfieldvalue kept
          WHERE kept.entity = kind AND kept.key = known.key AND kept.record_id = record
      );
END $$;
