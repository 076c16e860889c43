-- One event with its results: a row per target and attempt, the event's columns in each, its data in the first. Run as a
-- reader: row-level security hides other tenants' events.
--  $1 our id (null when the text is none)  $2 the id as the client gave it  $3 tenant (null: all)
WITH wanted AS (
    SELECT COALESCE((SELECT id FROM sync_events WHERE id = $1::uuid),
                    (SELECT event_id FROM idempotency_keys
                     WHERE kind = 1 AND key = $2 AND ($3::text IS NULL OR tenant_id = $3) LIMIT 1)) AS id
)
SELECT e.id, e.client_id, e.event_type, e.entity_type, e.entity_id, e.record_id, e.source_platform, e.target_platforms,
    e.tenant_id, e.user_id, e.subject, e.priority_given, e.max_retries, e.status, e.scheduled, e.dead_count, e.seq, e.version,
    e.base_version, e.trace, e.caused_by, e.error, e.created_at, e.occurred_at, e.deliver_at, e.expires_at, e.processed_at,
    t.repeats, t.waits, t.target_error,
    (SELECT c.status FROM sync_conflicts c WHERE c.event_id = e.id AND c.status IN ('open', 'deciding', 'waiting')) AS conflict,
    CASE WHEN row_number() OVER (ORDER BY d.named DESC, d.target, a.generation, a.sending) = 1 THEN e.data END AS data,
    d.target, d.named, d.state, d.generation, d.attempts, d.sendings, d.http_status AS delivery_http_status,
    d.version AS delivery_version, d.error AS delivery_error, d.processed_at AS delivery_processed_at,
    d.duration_ms AS delivery_duration_ms, d.next_attempt_at, d.covered_by,
    CASE WHEN e.repairs IS NULL THEN d.asserts END AS asserts,
    p.state AS pause, p.reason AS pause_reason, p.until AS pause_until,
    a.generation AS attempt_generation, a.sending AS attempt_sending, a.at AS attempt_at, a.duration_ms AS attempt_duration_ms,
    a.http_status AS attempt_http_status, a.costs AS attempt_costs, a.outcome AS attempt_outcome, a.error AS attempt_error
FROM wanted JOIN sync_events e ON e.id = wanted.id
CROSS JOIN LATERAL (
    SELECT COALESCE(max(greatest(o.attempts - 1, 0)), 0)::int4 AS repeats, COALESCE(bool_or(o.state = 1 AND o.processed_at IS NULL), false) AS waits,
        min(o.target || ': ' || o.error) FILTER (WHERE o.state = 5) AS target_error
    FROM deliveries o WHERE o.event_id = e.id AND o.named
) t
LEFT JOIN deliveries d ON d.event_id = e.id
LEFT JOIN platform_status p ON p.platform = d.target AND p.credential = '' AND p.route = '' AND p.state <> 'closed'
    AND (p.until IS NULL OR p.until > now()) AND d.state IN (0, 1)
LEFT JOIN LATERAL (
    SELECT r.* FROM sync_results r WHERE r.event_id = d.event_id AND r.target_platform = d.target
    ORDER BY r.generation DESC, r.sending DESC LIMIT 50
) a ON true
ORDER BY d.named DESC, d.target, a.generation, a.sending
