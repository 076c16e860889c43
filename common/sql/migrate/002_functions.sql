-- Functions that the statements share.

CREATE FUNCTION sync_partition(record uuid, partitions integer) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((get_byte(uuid_send(record), 0)::bigint << 24 | get_byte(uuid_send(record), 1) << 16
             | get_byte(uuid_send(record), 2) << 8 | get_byte(uuid_send(record), 3)) % partitions)::smallint
$$;

-- Ends a statement whose precondition was overtaken; the caller reads again. SQLSTATE SY001.
CREATE FUNCTION sync_assert(ok boolean, what text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF ok IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'SY001', MESSAGE = what;
    END IF;
    RETURN true;
END
$$;

-- Bucket counts added place by place.
CREATE FUNCTION sync_add(a integer[], b integer[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT COALESCE(array_agg(COALESCE(x, 0) + COALESCE(y, 0) ORDER BY place), '{}')
    FROM unnest(a, b) WITH ORDINALITY AS pair(x, y, place)
$$;

-- The lowest UUIDv7 of an instant: bounds of the days.
CREATE FUNCTION sync_uuid_floor(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

-- Makes the days from today to `ahead` days from now in every time-ordered table. Safe to call at any time, by anybody.
CREATE FUNCTION sync_make_days(ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET client_min_messages = warning AS $$
DECLARE
    parent text;
    day    date;
    made   integer := 0;
    child  text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sync_make_days'));
    FOREACH parent IN ARRAY ARRAY['sync_events', 'deliveries', 'sync_results', 'record_versions'] LOOP
        FOR n IN 0 .. ahead LOOP
            day := (now() AT TIME ZONE 'UTC')::date + n;
            child := parent || to_char(day, '_YYYYMMDD');
            IF to_regclass(child) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%L)', child, parent,
                    CASE WHEN NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = parent::regclass) THEN 'MINVALUE'
                         ELSE quote_literal(sync_uuid_floor(day::timestamp AT TIME ZONE 'UTC')) END,
                    sync_uuid_floor((day + 1)::timestamp AT TIME ZONE 'UTC'));
                EXECUTE format('ALTER TABLE %I SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02)', child);
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
SELECT sync_make_days(2);
