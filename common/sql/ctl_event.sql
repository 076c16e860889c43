-- An event with its deliveries, a row for each. A client's own id may be that of several tenants: then `event_id` tells each
-- apart, and no more than ten are given. $1 our id (null when the text is none)  $2 the id as it was given
WITH ours AS (
    SELECT id FROM sync_events WHERE id = $1::uuid
), wanted AS (
    SELECT id FROM ours
    UNION ALL
    (SELECT event_id FROM idempotency_keys WHERE kind = 1 AND key = $2 AND NOT EXISTS (SELECT FROM ours) LIMIT 10)
)
SELECT e.id AS event_id, e.client_id, e.event_type, e.entity_type, e.entity_id, e.record_id, e.tenant_id, e.source_platform,
    array_to_string(e.target_platforms, ', ') AS target_platforms, e.seq, e.version, e.partition, e.priority, e.status, e.scheduled,
    e.dead_count, e.error, e.trace, e.created_at AS accepted_at, e.deliver_at, e.expires_at, e.processed_at AS ended_at, e.data,
    d.target, d.named, d.state, d.generation, d.attempts, d.sendings, d.http_status, d.error AS delivery_error,
    d.version AS delivery_version, d.next_attempt_at, d.processed_at AS delivery_ended_at, d.covered_by
FROM wanted JOIN sync_events e ON e.id = wanted.id
LEFT JOIN deliveries d ON d.event_id = e.id
ORDER BY e.id, d.named DESC, d.target
