-- For every table that is only added to: no row changes or goes, whoever asks. Other apps' tables use it too.
CREATE FUNCTION tactus_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
