-- A batch of events with the records they are about, in order of acceptance. $1 event ids
-- returns: id uuid, record_id uuid, seq int8, partition int2, priority int2, status int2, base_version int8, max_retries
-- returns: int2, event_type text, entity_type text, entity_id text, source_platform text, targets text, tenant_id text,
-- returns: user_id text, trace text, data bytea, created_at timestamptz, occurred_at timestamptz, expired bool, linked_id
-- returns: uuid, record_version int8, record_vector text, record_deleted bool, record_data bytea, record_notes bytea,
-- returns: record_entity_id text, record_event uuid, open_targets text, snapshot_seq int8, backfill uuid, seen_version int8,
-- returns: held_by text, recent text
SELECT e.id, e.record_id, e.seq, e.partition, e.priority, e.status, e.base_version, e.max_retries, e.event_type,
    e.entity_type, e.entity_id, e.source_platform, array_to_string(e.target_platforms, ',') AS targets, e.tenant_id, e.user_id,
    e.trace, e.data, e.created_at, e.occurred_at, e.expires_at <= now() AS expired,
    CASE WHEN NOT e.claimed THEN linked.record_id END AS linked_id,
    r.version AS record_version, r.vector AS record_vector, r.deleted AS record_deleted, r.data AS record_data,
    r.notes AS record_notes, r.entity_id AS record_entity_id, r.event_id AS record_event,
    CASE WHEN e.status = 1 THEN array_to_string(ARRAY(
        SELECT d.target FROM deliveries d WHERE d.event_id = e.id AND d.state = 0), ',') END AS open_targets,
    e.snapshot_seq, e.backfill,
    -- Of a row of a page: what the platform certainly had when it was asked (BASE_GUARD before), and who needs no delivery when
    -- nothing is new.
    CASE WHEN e.snapshot_seq IS NOT NULL THEN (
        SELECT p.certain_version FROM record_platforms p WHERE p.record_id = e.record_id AND p.platform = e.source_platform
        AND p.delivered_at < e.occurred_at - interval '2 seconds') END AS seen_version,
    CASE WHEN e.snapshot_seq IS NOT NULL THEN array_to_string(ARRAY(
        SELECT p.platform FROM record_platforms p WHERE p.record_id = e.record_id AND p.state = 'present'
        UNION ALL SELECT d.target FROM deliveries d WHERE d.record_id = e.record_id AND d.state IN (0, 1)), ',') END AS held_by,
    -- Of a webhook, which tells the whole object: what the platform may still have where others changed it meanwhile: since what it
    -- certainly has, in the last minutes, or by itself.
    CASE WHEN e.subject ^@ 'webhook:' THEN array_to_string(ARRAY(
        SELECT translate(encode(v.data, 'base64'), E'\n', '') FROM record_versions v
        LEFT JOIN record_platforms p ON p.record_id = e.record_id AND p.platform = e.source_platform
        WHERE v.record_id = e.record_id AND (v.version >= r.version - 8 OR v.version = p.certain_version)
        AND (v.version >= p.certain_version OR v.source = e.source_platform OR v.created_at > now() - interval '10 minutes')
        ORDER BY v.version DESC LIMIT 9), ',') END AS recent
FROM sync_events e
-- LATERAL with OFFSET 0: looked up one by one through the primary keys, however little the planner knows of fresh tables.
LEFT JOIN LATERAL (SELECT * FROM records r WHERE r.id = e.record_id AND e.entity_type <> '' OFFSET 0) r ON true
LEFT JOIN LATERAL (SELECT * FROM record_ids i WHERE i.tenant_id = e.tenant_id AND i.entity_type = e.entity_type
    AND i.platform = e.source_platform AND i.platform_id = e.entity_id OFFSET 0) linked ON true
WHERE e.id = ANY ($1::uuid[])
ORDER BY e.seq
