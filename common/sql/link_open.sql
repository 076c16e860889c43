-- A person links two records: the younger one's event makes the router do it (protocol.txt §9). Run as the writer, so the tenant stands
-- in the conditions.
--  $1 a link that was suggested, refused or split; or null, and  $3 $4 what each of two users may be: record ids, the likeliest first
--  $2 tenant (null: all)  $5 the event's id  $6 who  $7 note  $8 writer  $9 trace  $10 number of partitions  $11 id of a new link
-- Answers what came of it (linking, missing, same, deleted, merged, late), the link's id, and the event's reference.
WITH pair AS MATERIALIZED (
    SELECT l.record_id AS a, l.other_id AS b FROM record_links l WHERE l.id = $1::uuid AND ($2::text IS NULL OR l.tenant_id = $2)
    UNION ALL
    SELECT (SELECT r.id FROM records r WHERE r.id = ANY ($3::uuid[]) AND r.tenant_id = $2 AND r.entity_type = 'user'
            ORDER BY array_position($3, r.id) LIMIT 1),
        (SELECT r.id FROM records r WHERE r.id = ANY ($4::uuid[]) AND r.tenant_id = $2 AND r.entity_type = 'user'
            ORDER BY array_position($4, r.id) LIMIT 1)
    WHERE $1::uuid IS NULL
), judged AS MATERIALIZED (
    SELECT CASE WHEN x.id IS NULL OR y.id IS NULL THEN 'missing' WHEN x.id = y.id THEN 'same' WHEN x.deleted OR y.deleted THEN 'deleted'
            WHEN x.merged_into IS NOT NULL OR y.merged_into IS NOT NULL OR EXISTS (SELECT FROM record_links l
                WHERE l.other_id IN (x.id, y.id) AND l.status IN ('linking', 'linked', 'splitting')) THEN 'merged' END AS why_not,
        CASE WHEN (x.created_at, x.id) < (y.created_at, y.id) THEN x.id ELSE y.id END AS older,
        CASE WHEN (x.created_at, x.id) < (y.created_at, y.id) THEN y.id ELSE x.id END AS younger
    FROM (SELECT 1) one LEFT JOIN pair p ON true LEFT JOIN records x ON x.id = p.a LEFT JOIN records y ON y.id = p.b
), link AS (
    INSERT INTO record_links AS l (id, tenant_id, entity_type, record_id, other_id, entity_id, other_entity_id, status, kind, decided_at,
        decided_by, note, event_id)
    SELECT $11::uuid, o.tenant_id, o.entity_type, o.id, y.id, o.entity_id, y.entity_id, 'linking', 'person', now(), $6, $7, $5::uuid
    FROM judged j JOIN records o ON o.id = j.older JOIN records y ON y.id = j.younger WHERE j.why_not IS NULL
    ON CONFLICT (record_id, other_id) DO UPDATE SET status = 'linking', decided_at = now(), decided_by = excluded.decided_by,
        note = COALESCE(excluded.note, l.note), event_id = excluded.event_id, told = NULL, told_by = NULL,
        kind = CASE WHEN l.kind = 'suggestion' THEN l.kind ELSE 'person' END
    WHERE (l.status IN ('suggested', 'refused', 'split')
            AND NOT EXISTS (SELECT FROM sync_events e WHERE e.id = l.event_id AND e.status = 0))
        -- Refused by the router: nothing was done.
        OR (l.status = 'linking' AND EXISTS (SELECT FROM sync_events e WHERE e.id = l.event_id AND e.status = 3))
    RETURNING l.*
), step AS (
    INSERT INTO sync_events (id, record_id, seq, partition, priority, priority_given, max_retries, event_type, entity_type,
        entity_id, source_platform, target_platforms, tenant_id, subject, trace, claimed, data, link_id)
    SELECT $5::uuid, l.other_id, nextval('sync_seq'), sync_partition(l.other_id, $10::int), 1, 2, 3, l.entity_type || '_updated',
        l.entity_type, l.other_entity_id, 'service', '{}', l.tenant_id, $6, $9, true, '\x007b7d', l.id
    FROM link l
    RETURNING id, record_id, seq, partition, event_type, trace, tenant_id
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting) SELECT 'router', $8, count(*) FROM step HAVING count(*) > 0
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting
), measured AS (
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, accepted)
    SELECT date_trunc('minute', now()), $8, tenant_id, '', event_type, count(*) FROM step GROUP BY tenant_id, event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET accepted = sync_metrics.accepted + excluded.accepted
)
SELECT COALESCE(j.why_not, CASE WHEN s.id IS NULL THEN 'late' ELSE 'linking' END) AS came, l.id AS link, s.id, s.record_id, s.seq, s.partition,
    s.event_type, s.trace, s.tenant_id
FROM judged j LEFT JOIN link l ON true LEFT JOIN step s ON true
