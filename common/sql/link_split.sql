-- A person splits a link: the older record's event makes the router do it (protocol.txt §9). Run as the writer, so the tenant stands in
-- the condition. Not while the older one is itself linked to another: that link is split first.
--  $1 link  $2 tenant (null: all)  $3 the event's id  $4 who  $5 note  $6 writer  $7 trace  $8 number of partitions
-- Answers what came of it (splitting, missing, merged, late), the link's id, and the event's reference.
WITH asked AS MATERIALIZED (
    SELECT l.id, r.merged_into IS NOT NULL AS merged FROM record_links l JOIN records r ON r.id = l.record_id
    WHERE l.id = $1::uuid AND ($2::text IS NULL OR l.tenant_id = $2)
), link AS (
    UPDATE record_links l SET status = 'splitting', decided_at = now(), decided_by = $4, note = COALESCE($5, l.note), event_id = $3::uuid
    FROM asked a WHERE l.id = a.id AND NOT a.merged AND (l.status = 'linked' OR (l.status IN ('linking', 'splitting')
        AND EXISTS (SELECT FROM sync_events e WHERE e.id = l.event_id AND e.status = 3))) -- a step that the router refused
    RETURNING l.*
), step AS (
    INSERT INTO sync_events (id, record_id, seq, partition, priority, priority_given, max_retries, event_type, entity_type,
        entity_id, source_platform, target_platforms, tenant_id, subject, trace, claimed, data, link_id)
    SELECT $3::uuid, l.record_id, nextval('sync_seq'), sync_partition(l.record_id, $8::int), 1, 2, 3, l.entity_type || '_updated',
        l.entity_type, l.entity_id, 'service', r.audience, l.tenant_id, $4, $7, true, '\x007b7d', l.id
    FROM link l JOIN records r ON r.id = l.record_id
    RETURNING id, record_id, seq, partition, event_type, trace, tenant_id
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting) SELECT 'router', $6, count(*) FROM step HAVING count(*) > 0
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting
), measured AS (
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, accepted)
    SELECT date_trunc('minute', now()), $6, tenant_id, '', event_type, count(*) FROM step GROUP BY tenant_id, event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET accepted = sync_metrics.accepted + excluded.accepted
)
SELECT CASE WHEN a.id IS NULL THEN 'missing' WHEN s.id IS NOT NULL THEN 'splitting' WHEN a.merged THEN 'merged' ELSE 'late' END AS came,
    a.id AS link, s.id, s.record_id, s.seq, s.partition, s.event_type, s.trace, s.tenant_id
FROM (SELECT 1) one LEFT JOIN asked a ON true LEFT JOIN step s ON true
