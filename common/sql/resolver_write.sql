-- Decides conflicts: what is decided by itself becomes an event of the service, which the router applies; what is not waits for a
-- person. One fenced statement; a conflict that is no longer open is left alone, and has no event.
--  $1 stage  $2 owner  $3 partitions  $4 fences  $5 writer
--  conflicts:  $6 ids  $7 partitions  $8 status after (deciding, waiting)  $9 types, with commas  $10 result  $11 confidence  $12 note
--  events:     $13 ids (null: nothing is decided by itself)  $14 data
--  $15 the versions of the policies, beside $6
-- Answers each decision's reference.
-- returns: id uuid, record_id uuid, seq int8, partition int2, event_type text, trace text, tenant_id text, contest uuid
WITH held AS MATERIALIZED (
    SELECT l.partition FROM leases l JOIN unnest($3::int2[], $4::int8[]) AS o(partition, fence) USING (partition, fence)
    WHERE l.stage = $1 AND l.owner = $2 FOR KEY SHARE OF l
), verdict AS MATERIALIZED (
    SELECT v.* FROM unnest($6::uuid[], $7::int2[], $8::text[], $9::text[], $10::bytea[], $11::int2[], $12::text[], $13::uuid[],
        $14::bytea[], $15::text[]) AS v(id, partition, status, types, result, confidence, note, event_id, data, policies) JOIN held USING (partition)
), conflict AS (
    UPDATE sync_conflicts c SET status = v.status, types = string_to_array(v.types, ','), result = v.result,
        type = COALESCE(NULLIF(split_part(v.types, ',', 1), ''), c.type), confidence = v.confidence, note = v.note,
        decision = v.event_id, decided_by = CASE WHEN v.event_id IS NOT NULL THEN 'resolver' END
    FROM verdict v WHERE c.id = v.id AND c.status = 'open'
    RETURNING c.*, v.event_id AS decision_id, v.data, v.policies
), decision AS (
    INSERT INTO sync_events (id, record_id, seq, partition, priority, priority_given, max_retries, event_type, entity_type,
        entity_id, source_platform, target_platforms, tenant_id, subject, trace, caused_by, claimed, data, decides)
    SELECT c.decision_id, c.record_id, nextval('sync_seq'), c.partition, 1, 2, 3, c.entity_type || '_updated', c.entity_type,
        c.entity_id, 'service', r.audience, c.tenant_id, 'resolver', e.trace, c.event_id, true, c.data, c.event_id
    FROM conflict c JOIN records r ON r.id = c.record_id
    LEFT JOIN LATERAL (SELECT e.trace FROM sync_events e WHERE e.id = c.event_id OFFSET 0) e ON true
    WHERE c.decision_id IS NOT NULL
    RETURNING id, record_id, seq, partition, event_type, trace, tenant_id, decides AS contest
), step AS (
    INSERT INTO sync_conflict_resolutions (conflict_id, event_id, tenant_id, kind, decided_by, note, rules, policies)
    SELECT c.id, c.decision_id, c.tenant_id, 'policy', 'resolver', c.note, c.result, c.policies FROM conflict c
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting)
    SELECT stage, $5, waiting FROM (
        SELECT 'resolver' AS stage, -count(*) AS waiting FROM conflict HAVING count(*) > 0
        UNION ALL SELECT 'router', count(*) FROM decision HAVING count(*) > 0
    ) change ORDER BY stage
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting
), measured AS (
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, accepted)
    SELECT date_trunc('minute', now()), $5, tenant_id, '', event_type, count(*) FROM decision
    GROUP BY tenant_id, event_type ORDER BY tenant_id, event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET accepted = sync_metrics.accepted + excluded.accepted
)
SELECT id, record_id, seq, partition, event_type, trace, tenant_id, contest FROM decision
