-- Accepts a batch of events with their idempotency keys in one commit (I1). Events are stored in order of arrival; an event
-- whose key (or own id) was taken before is left out: the caller finds it missing from the answer and reads the key's owner.
--  $1 ids  $2 record ids as hashed  $3 tenants  $4 client ids  $5 event types  $6 entity types  $7 entity ids  $8 sources
--  $9 targets, with commas  $10 priority 0-3  $11 priority as given  $12 max_retries  $13 base_version  $14 occurred_at
--  $15 deliver_at (null unless it lies ahead)  $16 expires_at  $17 user ids  $18 subjects  $19 traces  $20 data
--  $21 idempotency keys  $22 fingerprints  $23 partitions  $24 writer  $25 hours that keys are kept  $26 days that own ids are kept
--  $27 record ids that the data itself names: one of the same tenant and type wins over every other id
--  $28 places in the order that rows of a backfill's page drew before it was asked for  $29 their jobs (null: live changes)
-- Answers id, seq, record_id, partition of each stored event; without seq and partition what was not stored because its base_version
-- is above its record's.
-- returns: id uuid, seq int8, record_id uuid, partition int2
WITH input AS MATERIALIZED (
    SELECT i.*, COALESCE(named.id, linked.record_id, i.hashed_id) AS record_id, named.id IS NOT NULL AS claimed,
        i.base_version IS NOT NULL AND i.entity_type <> '' AND i.base_version > COALESCE(
            (SELECT r.version FROM records r WHERE r.id = COALESCE(named.id, linked.record_id, i.hashed_id)), 0) AS ahead
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::int2[], $11::int2[], $12::int2[], $13::int8[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[],
                $17::text[], $18::text[], $19::text[], $20::bytea[], $21::text[], $22::bytea[], $27::uuid[], $28::int8[], $29::uuid[])
         WITH ORDINALITY
         AS i(id, hashed_id, tenant_id, client_id, event_type, entity_type, entity_id, source_platform, targets,
              priority, priority_given, max_retries, base_version, occurred_at, deliver_at, expires_at,
              user_id, subject, trace, data, key, fingerprint, named_id, snapshot_seq, backfill, place)
    -- LATERAL with OFFSET 0, and no plain comparison with the tenant: looked up one by one through the primary keys, however
    -- little the planner knows of fresh tables.
    LEFT JOIN LATERAL (SELECT r.record_id FROM record_ids r WHERE r.tenant_id = i.tenant_id AND r.entity_type = i.entity_type
        AND r.platform = i.source_platform AND r.platform_id = i.entity_id OFFSET 0) linked ON true
    LEFT JOIN LATERAL (SELECT COALESCE(r.merged_into, r.id) AS id FROM records r WHERE r.id = i.named_id AND r.tenant_id || '' = i.tenant_id
        AND r.entity_type || '' = i.entity_type OFFSET 0) named ON true
), claimed AS (
    INSERT INTO idempotency_keys (tenant_id, kind, key, event_id, fingerprint, expires_at)
    SELECT tenant_id, kind, key, id, fingerprint, expires_at FROM (
        SELECT tenant_id, 0 AS kind, key, id, fingerprint, now() + make_interval(hours => $25::int) AS expires_at
        FROM input WHERE key IS NOT NULL AND NOT ahead
        UNION ALL
        SELECT tenant_id, 1, client_id, id, fingerprint, now() + make_interval(days => $26::int)
        FROM input WHERE client_id IS NOT NULL AND NOT ahead
    ) wanted ORDER BY tenant_id, kind, key
    ON CONFLICT DO NOTHING
    RETURNING event_id
), fresh AS MATERIALIZED (
    SELECT input.* FROM input
    LEFT JOIN (SELECT event_id, count(*) AS keys FROM claimed GROUP BY event_id) c ON c.event_id = input.id
    CROSS JOIN LATERAL (SELECT (key IS NOT NULL)::int + (client_id IS NOT NULL)::int AS wanted, COALESCE(c.keys, 0) AS got) n
    -- Both keys or none: an event whose key is free but whose own id is taken must not leave its key behind.
    WHERE NOT ahead AND (n.got = n.wanted OR (n.got > 0 AND sync_assert(false, 'half of the keys')))
), stored AS (
    INSERT INTO sync_events (id, record_id, seq, base_version, occurred_at, deliver_at, expires_at, partition, priority,
        priority_given, max_retries, scheduled, event_type, entity_type, entity_id, source_platform, target_platforms,
        tenant_id, client_id, user_id, subject, trace, claimed, data, snapshot_seq, backfill)
    SELECT id, record_id, nextval('sync_seq'), base_version, occurred_at, deliver_at, expires_at,
        sync_partition(record_id, $23::int), priority, priority_given, max_retries, deliver_at IS NOT NULL, event_type,
        entity_type, entity_id, source_platform, string_to_array(targets, ','), tenant_id, client_id, user_id, subject, trace,
        claimed, data, snapshot_seq, backfill
    FROM (SELECT * FROM fresh ORDER BY place) ordered
    RETURNING id, seq, record_id, partition, tenant_id, event_type
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting) SELECT 'router', $24, count(*) FROM stored HAVING count(*) > 0
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting
), measured AS (
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, accepted)
    SELECT date_trunc('minute', now()), $24, tenant_id, '', event_type, count(*) FROM stored
    GROUP BY tenant_id, event_type ORDER BY tenant_id, event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET accepted = sync_metrics.accepted + excluded.accepted
)
SELECT id, seq, record_id, partition FROM stored
UNION ALL
SELECT id, NULL, record_id, NULL FROM input WHERE ahead
