-- Takes a decision back: an event of the service that gives the decided fields what they were before. Made on the decision's version:
-- who changes them meanwhile contests it, as any change. Run as the writer, so the tenant stands in the condition. Answers nothing
-- when the conflict is not resolved, or not any more.
--  $1 conflict  $2 tenant (null: all)  $3 the event's id  $4 its data  $5 who  $6 note  $7 writer  $8 rules: what each field becomes
--  $9 trace  $10 the decision's version
WITH conflict AS (
    UPDATE sync_conflicts c SET status = 'undone'
    WHERE c.id = $1::uuid AND ($2::text IS NULL OR c.tenant_id = $2) AND c.status = 'resolved'
    RETURNING c.*
), undoing AS (
    INSERT INTO sync_events (id, record_id, seq, partition, priority, priority_given, max_retries, event_type, entity_type,
        entity_id, source_platform, target_platforms, tenant_id, subject, trace, caused_by, claimed, data, base_version)
    SELECT $3::uuid, c.record_id, nextval('sync_seq'), c.partition, 1, 2, 3, c.entity_type || '_updated', c.entity_type,
        c.entity_id, 'service', r.audience, c.tenant_id, $5, $9, c.event_id, true, $4::bytea, $10::int8
    FROM conflict c JOIN records r ON r.id = c.record_id
    RETURNING id, record_id, seq, partition, event_type, trace, tenant_id
), step AS (
    INSERT INTO sync_conflict_resolutions (conflict_id, event_id, tenant_id, kind, decided_by, note, rules)
    SELECT c.id, $3::uuid, c.tenant_id, 'undo', $5, $6, $8::bytea FROM conflict c
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting) SELECT 'router', $7, count(*) FROM undoing HAVING count(*) > 0
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting
), measured AS (
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, accepted)
    SELECT date_trunc('minute', now()), $7, tenant_id, '', event_type, count(*) FROM undoing GROUP BY tenant_id, event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET accepted = sync_metrics.accepted + excluded.accepted
)
SELECT id, record_id, seq, partition, event_type, trace, tenant_id FROM undoing
