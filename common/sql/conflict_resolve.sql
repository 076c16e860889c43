-- A person decides fields of a conflict: an event of the service, which the router applies. Run as the writer, so the tenant stands
-- in the condition. Who finds the fields taken already, by the status or by the fields that are open, is answered nothing.
--  $1 conflict  $2 tenant (null: all)  $3 fields  $4 the event's id  $5 its data  $6 who  $7 note  $8 writer
--  $9 rules: how each field was decided  $10 trace
-- What the resolver has not seen yet can only be decided as a whole: it would decide the rest with what it read before.
WITH conflict AS (
    UPDATE sync_conflicts c SET open_fields = rest.fields, decided_by = $6, note = COALESCE($7, c.note),
        status = CASE WHEN rest.fields = '{}' THEN 'deciding' ELSE c.status END
    FROM (SELECT id, status, open_fields FROM sync_conflicts WHERE id = $1::uuid FOR UPDATE) before
        CROSS JOIN LATERAL (SELECT ARRAY(SELECT unnest(before.open_fields) EXCEPT SELECT unnest($3::text[])) AS fields) rest
    WHERE c.id = before.id AND ($2::text IS NULL OR c.tenant_id = $2) AND c.open_fields = before.open_fields
      AND before.open_fields @> $3::text[] AND (before.status = 'waiting' OR before.status = 'open' AND rest.fields = '{}')
    RETURNING c.*, before.status AS status_before
), decision AS (
    INSERT INTO sync_events (id, record_id, seq, partition, priority, priority_given, max_retries, event_type, entity_type,
        entity_id, source_platform, target_platforms, tenant_id, subject, trace, caused_by, claimed, data, decides, by_person)
    SELECT $4::uuid, c.record_id, nextval('sync_seq'), c.partition, 1, 2, 3, c.entity_type || '_updated', c.entity_type,
        c.entity_id, 'service', r.audience, c.tenant_id, $6, $10, c.event_id, true, $5::bytea, c.event_id, true
    FROM conflict c JOIN records r ON r.id = c.record_id
    RETURNING id, record_id, seq, partition, event_type, trace, tenant_id
), step AS (
    INSERT INTO sync_conflict_resolutions (conflict_id, event_id, tenant_id, kind, decided_by, note, rules)
    SELECT c.id, $4::uuid, c.tenant_id, 'person', $6, $7, $9::bytea FROM conflict c
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting)
    SELECT stage, $8, waiting FROM (
        SELECT 'resolver' AS stage, -count(*) AS waiting FROM conflict WHERE status_before = 'open' HAVING count(*) > 0
        UNION ALL SELECT 'router', count(*) FROM decision HAVING count(*) > 0
    ) change ORDER BY stage
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting
), measured AS (
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, accepted)
    SELECT date_trunc('minute', now()), $8, tenant_id, '', event_type, count(*) FROM decision GROUP BY tenant_id, event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET accepted = sync_metrics.accepted + excluded.accepted
)
SELECT id, record_id, seq, partition, event_type, trace, tenant_id FROM decision
