-- Drops the days before `keep` days ago, one at a time. What is unfinished does not go with its day: it moves to the next day,
-- whose lower bound is taken down in the same transaction. Answers the days dropped. Versions of records are dropped with their
-- day: a platform that was last given one of them gets the whole record the next time instead of a difference.
CREATE FUNCTION sync_drop_days(keep integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '3s' AS $$
DECLARE
    parent  text;
    oldest  text;
    heir    text;
    upper   text;
    dropped integer := 0;
    cutoff  text := to_char((now() AT TIME ZONE 'UTC')::date - keep, '_YYYYMMDD');
    -- Children first: what of them stays is decided by the events, which are still there.
    wanted  jsonb := jsonb_build_object(
        'sync_results',    'event_id IN (SELECT id FROM sync_events WHERE status IN (0, 1))',
        'record_versions', 'false',
        'deliveries',      'event_id IN (SELECT id FROM sync_events WHERE status IN (0, 1))',
        'sync_events',     'status IN (0, 1)');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sync_make_days'));
    FOREACH parent IN ARRAY ARRAY['sync_results', 'record_versions', 'deliveries', 'sync_events'] LOOP
        LOOP
            SELECT c.relname INTO oldest FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = parent::regclass ORDER BY c.relname LIMIT 1;
            SELECT c.relname, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)') INTO heir, upper
                FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = parent::regclass AND c.relname > oldest ORDER BY c.relname LIMIT 1;
            EXIT WHEN heir IS NULL OR right(oldest, 9) >= cutoff;
            EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, oldest);
            EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, heir);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', parent, heir, upper);
            EXECUTE format('INSERT INTO %I SELECT * FROM %I WHERE %s', parent, oldest,
                wanted ->> parent);
            EXECUTE format('DROP TABLE %I', oldest);
            dropped := dropped + 1;
        END LOOP;
    END LOOP;
    RETURN dropped;
END
$$;
