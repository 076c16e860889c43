-- One person under several ids: protocol.txt §9. Bodies as everywhere: a format byte, then the text.

CREATE TABLE record_links (
    id              uuid PRIMARY KEY,
    tenant_id       text NOT NULL,
    entity_type     text NOT NULL,
    record_id       uuid NOT NULL,                  -- the older, which stays
    other_id        uuid NOT NULL,                  -- the younger
    entity_id       text NOT NULL,
    other_entity_id text NOT NULL,
    status          text NOT NULL,                  -- suggested, refused, linking, linked, splitting, split
    kind            text NOT NULL,                  -- suggestion, person, email, external_id
    score           smallint,                       -- percent
    why             text[] NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    decided_at      timestamptz,
    decided_by      text,
    note            text,
    event_id        uuid,                           -- carries the latest step; of what was bound by itself: the event that was
    version         bigint,                         -- of the older record: made by the link; bound by itself: the one before
    before          bytea,                          -- the older record's data before
    before_notes    bytea,
    told            bytea,                          -- bound by itself: the event's data, in the platform's own names
    told_by         text,
    audience        text[] NOT NULL DEFAULT '{}'    -- bound by itself: who was to get it
);
CREATE UNIQUE INDEX record_links_pair ON record_links (record_id, other_id);
CREATE UNIQUE INDEX record_links_other ON record_links (other_id) WHERE status IN ('linking', 'linked', 'splitting');
CREATE INDEX record_links_tenant ON record_links (tenant_id, id);
CREATE INDEX record_links_status ON record_links (tenant_id, status, id);

ALTER TABLE record_ids ADD COLUMN links uuid[] NOT NULL DEFAULT '{}'; -- that led the id here, the latest first
ALTER TABLE record_platforms ADD COLUMN named_id text, ADD COLUMN link_id uuid; -- by a link: what the platform calls the record
ALTER TABLE sync_events ADD COLUMN link_id uuid;
ALTER TABLE records ADD COLUMN external_hash bytea; -- lookup.h
CREATE INDEX records_external ON records (tenant_id, external_hash) WHERE external_hash IS NOT NULL;

-- What similar users are found by, kept by the resolver: keyed hashes, which tell nothing without the key; of two tenants they have
-- nothing in common.
CREATE TABLE record_features (
    record_id uuid PRIMARY KEY,
    event_id  uuid NOT NULL,                        -- made the version that they are of
    tenant_id text NOT NULL,
    keys      integer[] NOT NULL
);
CREATE INDEX record_features_keys ON record_features USING gin (keys);
-- How far it has come, in order of acceptance.
CREATE TABLE record_features_cursor (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    event_id uuid NOT NULL
);

-- The younger leaves: $1 the link  $2 the id of the next step's event. False: the link is in another state.
CREATE FUNCTION sync_link_leave(link uuid, next uuid, partitions integer) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    l record_links;
    old records;
    young records;
    d record;
    ended record;
BEGIN
    SELECT * INTO l FROM record_links WHERE id = link AND status = 'linking' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE records SET merged_into = l.record_id, updated_at = now() WHERE id = l.other_id RETURNING * INTO young;
    SELECT * INTO old FROM records WHERE id = l.record_id;
    UPDATE record_ids SET record_id = l.record_id, links = link || links WHERE record_id = l.other_id;
    INSERT INTO record_ids (tenant_id, entity_type, platform, platform_id, record_id, links)
    SELECT l.tenant_id, l.entity_type, p, l.other_entity_id, l.record_id, ARRAY[link] FROM unnest(young.audience) AS p
    ON CONFLICT DO NOTHING;
    -- Who had only the younger gets the older under that id.
    INSERT INTO record_platforms (record_id, platform, tenant_id, platform_id, named_id, state, link_id)
    SELECT l.record_id, p, l.tenant_id, COALESCE(y.platform_id, l.other_entity_id), COALESCE(y.named_id, l.other_entity_id), 'present', link
    FROM unnest(young.audience) AS p
    LEFT JOIN record_platforms y ON y.record_id = l.other_id AND y.platform = p
    WHERE (y.state = 'present' OR young.vector::jsonb ? p) AND NOT old.vector::jsonb ? p
    ON CONFLICT DO NOTHING;
    FOR d IN SELECT v.event_id, v.target, v.state, v.named AND v.processed_at IS NULL AS counts FROM deliveries v
        WHERE v.record_id = l.other_id AND v.state IN (0, 1) ORDER BY v.event_id, v.target FOR UPDATE
    LOOP
        UPDATE deliveries SET state = 3, covered_by = next, processed_at = COALESCE(processed_at, now()), next_attempt_at = NULL
        WHERE event_id = d.event_id AND target = d.target;
        INSERT INTO stage_counts (stage, writer, waiting, backoff)
        VALUES ('worker-' || d.target, 'links', -(d.state = 0)::int, -(d.state = 1)::int)
        ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting,
            backoff = stage_counts.backoff + excluded.backoff;
        CONTINUE WHEN NOT d.counts;
        UPDATE sync_events SET open_count = open_count - 1,
            status = CASE WHEN open_count > 1 THEN status WHEN dead_count > 0 THEN 3 ELSE 2 END,
            processed_at = CASE WHEN open_count > 1 THEN processed_at ELSE now() END
        WHERE id = d.event_id RETURNING tenant_id, event_type, status, created_at INTO ended;
        IF ended.status IN (2, 3) THEN
            INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, completed, failed, total_ms)
            VALUES (date_trunc('minute', now()), 'links', ended.tenant_id, '', ended.event_type, (ended.status = 2)::int,
                (ended.status = 3)::int, (extract(epoch FROM now() - ended.created_at) * 1000)::bigint)
            ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET
                completed = sync_metrics.completed + excluded.completed, failed = sync_metrics.failed + excluded.failed,
                total_ms = sync_metrics.total_ms + excluded.total_ms;
        END IF;
    END LOOP;
    PERFORM sync_link_event(next, link, l.record_id, l.entity_type, old.entity_id,
        ARRAY(SELECT unnest(old.audience) UNION SELECT unnest(young.audience)), l.tenant_id, l.decided_by, old.version,
        '\x007b7d', partitions);
    RETURN true;
END
$$;

-- An event of the service about a record, for the router that owns it.
CREATE FUNCTION sync_link_event(event uuid, link uuid, record uuid, type text, entity text, audience text[], tenant text, who text,
    base bigint, body bytea, partitions integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sync_events (id, record_id, seq, partition, priority, priority_given, max_retries, event_type, entity_type,
        entity_id, source_platform, target_platforms, tenant_id, subject, claimed, base_version, data, link_id)
    VALUES (event, record, nextval('sync_seq'), sync_partition(record, partitions), 1, 2, 3, type || '_updated', type, entity,
        'service', audience, tenant, who, true, base, body, link);
    INSERT INTO stage_counts (stage, writer, waiting) VALUES ('router', 'links', 1)
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + 1;
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, accepted)
    VALUES (date_trunc('minute', now()), 'links', tenant, '', type || '_updated', 1)
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET accepted = sync_metrics.accepted + 1;
    UPDATE record_links SET event_id = event WHERE id = link;
END
$$;

-- The older gives back; body: what came under the younger's ids since.
CREATE FUNCTION sync_link_part(link uuid, next uuid, body bytea, partitions integer) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    l record_links;
    young records;
BEGIN
    SELECT * INTO l FROM record_links WHERE id = link AND status = 'splitting' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE records SET merged_into = NULL, updated_at = now() WHERE id = l.other_id AND merged_into = l.record_id;
    SELECT * INTO young FROM records WHERE id = l.other_id;
    UPDATE record_ids SET record_id = l.other_id, links = links[2:] WHERE record_id = l.record_id AND links[1] = link;
    -- Who got the older under the younger's id has its fields there: the younger goes out whole.
    WITH gone AS (
        DELETE FROM record_platforms WHERE record_id = l.record_id AND link_id = link
        RETURNING platform, tenant_id, platform_id, named_id, started_version
    )
    INSERT INTO record_platforms AS p (record_id, platform, tenant_id, platform_id, state)
    SELECT l.other_id, platform, tenant_id, platform_id, 'present' FROM gone
    ON CONFLICT (record_id, platform) DO UPDATE SET certain_version = 0, certain_event = NULL, acked_versions = '{}', acked_at = '{}';
    PERFORM sync_link_event(next, link, l.other_id, l.entity_type, l.other_entity_id, COALESCE(young.audience, l.audience), l.tenant_id,
        l.decided_by, COALESCE(young.version, 0), body, partitions);
    UPDATE record_links SET status = 'split' WHERE id = link;
    RETURN true;
END
$$;

-- A step in the router's statement. kind: 1 leave, 2 enter, 3 part.
CREATE FUNCTION sync_link_step(link uuid, kind smallint, next uuid, made bigint, body bytea, notes bytea, partitions integer) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF kind = 1 THEN
        RETURN sync_link_leave(link, next, partitions);
    ELSIF kind = 3 THEN
        RETURN sync_link_part(link, next, body, partitions);
    END IF;
    UPDATE record_links SET status = 'linked', version = made, before = body, before_notes = notes WHERE id = link AND status = 'linking';
    RETURN FOUND;
END
$$;

-- Binds a platform's new id to a record, by itself. False: the platform has the record under an id, or the pair has a past.
CREATE FUNCTION sync_link_bind(link uuid, target uuid, young uuid, type text, entity text, teller text, event uuid, by_what text)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    r records;
    pair record_links;
BEGIN
    SELECT * INTO r FROM records WHERE id = target;
    SELECT * INTO pair FROM record_links WHERE record_id = target AND other_id = young;
    IF FOUND AND pair.status <> 'linked' OR EXISTS (SELECT FROM records WHERE id = young) OR EXISTS (SELECT FROM record_links
            WHERE other_id = young AND record_id <> target AND status IN ('linking', 'linked', 'splitting')) THEN
        RETURN false;
    END IF;
    INSERT INTO record_platforms AS p (record_id, platform, tenant_id, platform_id, named_id, state, link_id)
    VALUES (target, teller, r.tenant_id, entity, entity, 'present', COALESCE(pair.id, link))
    ON CONFLICT (record_id, platform) DO UPDATE SET platform_id = entity, named_id = entity, state = 'present', link_id = excluded.link_id
        WHERE p.state = 'failed' AND p.certain_version = 0 AND p.link_id IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO record_ids (tenant_id, entity_type, platform, platform_id, record_id, links)
    VALUES (r.tenant_id, type, teller, entity, target, ARRAY[COALESCE(pair.id, link)]);
    IF pair.id IS NULL THEN
        INSERT INTO record_links (id, tenant_id, entity_type, record_id, other_id, entity_id, other_entity_id, status, kind, why,
            decided_at, event_id, version, before, before_notes, told, told_by, audience)
        SELECT link, r.tenant_id, type, target, young, r.entity_id, entity, 'linked', by_what, ARRAY[by_what], now(), event, r.version,
            r.data, r.notes, e.data, teller, ARRAY(SELECT unnest(e.target_platforms) UNION SELECT teller)
        FROM sync_events e WHERE e.id = event;
    END IF;
    RETURN true;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON record_links, record_features, record_features_cursor TO sync_writer;
GRANT SELECT ON record_links TO sync_reader;
ALTER TABLE record_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE record_links FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    EXECUTE format('CREATE POLICY owner_all ON record_links TO %I USING (true) WITH CHECK (true)', current_user);
END
$$;
CREATE POLICY writer_all ON record_links TO sync_writer USING (true) WITH CHECK (true);
CREATE POLICY reader_tenant ON record_links FOR SELECT TO sync_reader USING
    (tenant_id = NULLIF(current_setting('sync.tenant', true), '') OR current_setting('sync.tenant', true) = '*');
