-- A batch of events with the records they are about, in order of acceptance. $1 event ids
-- returns: id uuid, record_id uuid, seq int8, partition int2, priority int2, status int2, base_version int8, max_retries
-- returns: int2, event_type text, entity_type text, entity_id text, source_platform text, targets text, tenant_id text,
-- returns: user_id text, trace text, data bytea, created_at timestamptz, occurred_at timestamptz, expired bool, linked_id
-- returns: uuid, record_version int8, record_vector text, record_deleted bool, record_data bytea, record_notes bytea,
-- returns: record_entity_id text, record_event uuid, record_audience text, open_targets text, snapshot_seq int8, backfill uuid,
-- returns: seen_version int8, started_version int8, owed bool, held_by text, webhook bool, history text, decides uuid, by_person bool,
-- returns: link_id uuid, merged_into uuid, merging uuid, under uuid, handed text, repairs text,
-- returns: record_rested bool, braked bool, released bool
SELECT e.id, e.record_id, e.seq, e.partition, e.priority, e.status, e.base_version, e.max_retries, e.event_type,
    e.entity_type, e.entity_id, e.source_platform, array_to_string(e.target_platforms, ',') AS targets, e.tenant_id, e.user_id,
    e.trace, e.data, e.created_at, e.occurred_at, e.expires_at <= now() AS expired,
    CASE WHEN NOT e.claimed THEN linked.record_id END AS linked_id,
    r.version AS record_version, r.vector AS record_vector, r.deleted AS record_deleted, r.data AS record_data,
    r.notes AS record_notes, r.entity_id AS record_entity_id, r.event_id AS record_event,
    array_to_string(r.audience, ',') AS record_audience,
    CASE WHEN e.status = 1 THEN array_to_string(ARRAY(
        SELECT d.target FROM deliveries d WHERE d.event_id = e.id AND d.state = 0), ',') END AS open_targets,
    e.snapshot_seq, e.backfill, seen.version AS seen_version, p.started_version,
    -- What is not finished towards the source may arrive there after this change, with content from before it; what it has
    -- acknowledged since may have.
    owed.version IS NOT NULL OR COALESCE(p.acked_at[1] >= e.created_at, false) AS owed,
    -- Of a row of a page: who needs no delivery when nothing is new.
    CASE WHEN e.snapshot_seq IS NOT NULL THEN array_to_string(ARRAY(
        SELECT p.platform FROM record_platforms p WHERE p.record_id = e.record_id AND p.state = 'present'
        UNION ALL SELECT d.target FROM deliveries d WHERE d.record_id = e.record_id AND d.state IN (0, 1)), ',') END AS held_by,
    e.subject ^@ 'webhook:' AS webhook,
    -- Versions from what the source had seen on, oldest first, as far as they are kept: a line each, of version, source, page (1),
    -- handed to the source in the last ten minutes (1), changed fields, data. A platform that repeats what it was told may do so
    -- with what it was told before, too; and before we know that it was told: what has a delivery may have been sent.
    CASE WHEN r.version > seen.version OR e.subject ^@ 'webhook:' THEN array_to_string(ARRAY(
        SELECT concat_ws('|', v.version, v.source, v.page::int,
            (v.created_at > now() - interval '10 minutes' AND v.source <> e.source_platform AND EXISTS (
                SELECT FROM deliveries d WHERE d.event_id = v.event_id AND d.target = e.source_platform))::int,
            array_to_string(v.changed, ','), translate(encode(v.data, 'base64'), E'\n', ''))
        FROM (SELECT * FROM record_versions v WHERE v.record_id = e.record_id AND (v.version >= seen.version
                OR e.subject ^@ 'webhook:' AND v.version >= r.version - 8 AND v.created_at > now() - interval '10 minutes')
            ORDER BY v.version DESC LIMIT 32) v ORDER BY v.version), E'\n') END AS history,
    e.decides, e.by_person,
    -- A step of a link; the record that this one was linked to, and by which link; the link that the event's id belongs to.
    e.link_id, r.merged_into, CASE WHEN r.merged_into IS NOT NULL THEN (SELECT l.id FROM record_links l WHERE l.other_id = r.id
        AND l.record_id = r.merged_into) END AS merging, CASE WHEN linked.record_id = e.record_id THEN linked.links[1] END AS under,
    -- Fields that others changed and that were sent to the source in the ten seconds before its own change.
    CASE WHEN e.snapshot_seq IS NULL AND (p.acked_at[1] > e.created_at - interval '10 seconds' OR p.started_version > p.acked_versions[1])
    THEN array_to_string(ARRAY(
        SELECT DISTINCT f FROM record_versions v CROSS JOIN LATERAL unnest(v.changed) f
        WHERE v.record_id = e.record_id AND v.source <> e.source_platform AND v.version <= p.started_version
            AND v.version > COALESCE((SELECT max(a.version) FROM unnest(p.acked_versions, p.acked_at) AS a(version, at)
                WHERE a.at <= e.created_at - interval '10 seconds'), 0)), ',') END AS handed,
    e.repairs,
    -- The brake: records that were left alone for ten minutes count when they change; what a person has let go does not.
    r.updated_at < now() - interval '10 minutes' AS record_rested,
    EXISTS (SELECT FROM brakes b WHERE b.tenant_id = e.tenant_id AND b.status IN ('on', 'dropping')) AS braked,
    EXISTS (SELECT FROM brakes b WHERE b.tenant_id = e.tenant_id AND b.status = 'released' AND b.until_seq >= e.seq) AS released
FROM sync_events e
-- LATERAL with OFFSET 0: looked up one by one through the primary keys, however little the planner knows of fresh tables.
LEFT JOIN LATERAL (SELECT * FROM records r WHERE r.id = e.record_id AND e.entity_type <> '' OFFSET 0) r ON true
LEFT JOIN LATERAL (SELECT * FROM record_ids i WHERE i.tenant_id = e.tenant_id AND i.entity_type = e.entity_type
    AND i.platform = e.source_platform AND i.platform_id = e.entity_id OFFSET 0) linked ON true
LEFT JOIN LATERAL (SELECT * FROM record_platforms p WHERE p.record_id = e.record_id AND p.platform = e.source_platform
    OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT max(d.version) AS version FROM deliveries d WHERE d.record_id = e.record_id
    AND d.target = e.source_platform AND d.state IN (0, 1) OFFSET 0) owed ON true
-- What the source had seen: what it says, else the newest version that it had acknowledged 2 s (BASE_GUARD) before it made its change;
-- of a page, before that was asked for; of a webhook, whose clock may be wrong, before it came.
CROSS JOIN LATERAL (SELECT COALESCE(e.base_version, (
    SELECT max(a.version) FROM unnest(p.acked_versions, p.acked_at) AS a(version, at)
    WHERE a.at <= CASE WHEN e.snapshot_seq IS NOT NULL THEN e.occurred_at ELSE e.created_at END - interval '2 seconds'), 0)
    AS version) seen
WHERE e.id = ANY ($1::uuid[])
ORDER BY e.seq
