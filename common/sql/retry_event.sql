-- Sends the failed and the waiting targets of events again: a dead delivery becomes a new one (generation + 1, so another
-- webhook-id), one in backoff is due now under the same id. An event that the router refused is routed anew. Run as the writer,
-- so the tenant stands in the condition. Deliveries are locked before their events, both in order, as the outcome's statement does.
--  $1 our ids  $2 an id as a client gave it, where $1 finds nothing (null: none)  $3 tenant (null: all)  $4 writer
--  $5 this target alone (null: all; what the router refused goes to all of them again)
-- Answers nothing of an event that there is not; else a row per target to publish, or one with a null target: `rerouted` says
-- that the event itself goes to the router, otherwise nothing could be retried.
WITH ours AS (
    SELECT id FROM sync_events WHERE id = ANY ($1::uuid[]) AND ($3::text IS NULL OR tenant_id = $3)
), wanted AS (
    SELECT e.id, e.error IS NOT NULL AND e.status = 3 AS refused FROM sync_events e
    WHERE e.id IN (SELECT id FROM ours
                   UNION ALL
                   (SELECT event_id FROM idempotency_keys
                    WHERE kind = 1 AND key = $2::text AND ($3::text IS NULL OR tenant_id = $3) AND NOT EXISTS (SELECT FROM ours)
                    LIMIT 1))
      AND ($3::text IS NULL OR e.tenant_id = $3)
), picked AS MATERIALIZED (
    SELECT d.event_id, d.target, d.state, d.named, w.refused FROM deliveries d JOIN wanted w ON w.id = d.event_id
    WHERE d.state IN (1, 5) AND NOT (d.state = 1 AND d.processed_at IS NOT NULL) -- an assertion has its own time
      AND (w.refused OR $5::text IS NULL OR d.target = $5) ORDER BY d.event_id, d.target FOR UPDATE OF d
), locked AS MATERIALIZED (
    SELECT id FROM sync_events WHERE id IN (SELECT event_id FROM picked) ORDER BY id FOR UPDATE
), unrouted AS (
    DELETE FROM deliveries d USING picked p
    WHERE p.refused AND d.event_id = p.event_id AND d.target = p.target
), revived AS (
    UPDATE deliveries d SET state = 0, next_attempt_at = NULL, processed_at = NULL, covered_by = NULL,
        generation = d.generation + (p.state = 5)::int::int2,
        attempts = CASE WHEN p.state = 5 THEN 0 ELSE d.attempts END,
        sendings = CASE WHEN p.state = 5 THEN 0 ELSE d.sendings END,
        http_status = CASE WHEN p.state = 5 THEN NULL ELSE d.http_status END,
        error = CASE WHEN p.state = 5 THEN NULL ELSE d.error END
    FROM picked p
    WHERE NOT p.refused AND d.event_id = p.event_id AND d.target = p.target
    RETURNING d.event_id, d.target, d.named, p.state AS state_before
), dead AS (
    SELECT l.id AS event_id, count(*) AS n FROM locked l JOIN revived r ON r.event_id = l.id
    WHERE r.named AND r.state_before = 5 GROUP BY l.id
), reopened AS (
    UPDATE sync_events e SET open_count = e.open_count + dead.n, dead_count = e.dead_count - dead.n, status = 1,
        processed_at = NULL
    FROM dead WHERE e.id = dead.event_id
    RETURNING e.id
), rerouted AS (
    UPDATE sync_events e SET open_count = 0, dead_count = 0, status = 0, processed_at = NULL, error = NULL
    FROM (SELECT DISTINCT event_id FROM picked WHERE refused) p WHERE e.id = p.event_id AND e.status = 3
    RETURNING e.id
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting, backoff, dead)
    SELECT stage, $4, sum(waiting), sum(backoff), sum(dead) FROM (
        SELECT 'worker-' || target AS stage, count(*) AS waiting, -count(*) FILTER (WHERE state_before = 1) AS backoff,
            -count(*) FILTER (WHERE state_before = 5) AS dead
        FROM revived GROUP BY target
        UNION ALL
        SELECT 'worker-' || target, 0, 0, -count(*) FROM picked WHERE refused GROUP BY target
        UNION ALL
        SELECT 'router', count(*), 0, 0 FROM rerouted HAVING count(*) > 0
    ) change GROUP BY stage ORDER BY stage
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting,
        backoff = stage_counts.backoff + excluded.backoff, dead = stage_counts.dead + excluded.dead
), measured AS ( -- they have not failed after all
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, failed)
    SELECT date_trunc('minute', now()), $4, e.tenant_id, '', e.event_type, -count(*)
    FROM sync_events e WHERE e.status = 3 AND e.id IN (SELECT id FROM reopened UNION ALL SELECT id FROM rerouted)
    GROUP BY e.tenant_id, e.event_type ORDER BY e.tenant_id, e.event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET failed = sync_metrics.failed + excluded.failed
)
SELECT e.id, e.client_id, e.record_id, e.seq, e.partition, e.priority, e.event_type, e.trace, e.tenant_id, r.target,
    x.id IS NOT NULL AS rerouted
FROM wanted w JOIN sync_events e ON e.id = w.id LEFT JOIN revived r ON r.event_id = w.id LEFT JOIN rerouted x ON x.id = w.id
