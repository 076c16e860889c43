-- Every unfinished delivery of these records to one target, oldest first, with what is needed to build the next body. Data
-- stands only in a record's first row. $1 target  $2 record ids
WITH unfinished AS (
    SELECT d.*, row_number() OVER (PARTITION BY d.record_id ORDER BY d.seq) AS place
    FROM deliveries d WHERE d.target = $1 AND d.record_id = ANY ($2::uuid[]) AND d.state IN (0, 1)
)
SELECT d.event_id, d.record_id, d.seq, d.version, d.partition, d.priority, d.state, d.generation, d.attempts, d.sendings,
    d.named, d.next_attempt_at > now() AS waits, d.next_attempt_at, d.tenant_id,
    e.event_type, e.entity_id, e.source_platform, e.user_id, e.trace, e.max_retries, e.created_at,
    CASE WHEN d.place = 1 AND e.entity_type = '' THEN e.data END AS event_data,
    r.version AS record_version, r.event_id AS record_event, r.deleted AS record_deleted, r.entity_id AS record_entity_id,
    CASE WHEN d.place = 1 THEN r.data END AS record_data, CASE WHEN d.place = 1 THEN r.notes END AS record_notes,
    rp.certain_version, rp.certain_event, rp.started_version, rp.platform_id, rp.state AS platform_state
FROM unfinished d
JOIN sync_events e ON e.id = d.event_id
LEFT JOIN records r ON r.id = d.record_id AND e.entity_type <> ''
LEFT JOIN record_platforms rp ON rp.record_id = d.record_id AND rp.platform = $1
ORDER BY d.record_id, d.seq
