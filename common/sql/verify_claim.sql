-- Takes the oldest verification of a platform that nobody runs: a new one, one whose time has come again, or one whose worker has not
-- been heard of.  $1 owner  $2 lease in ms  $3 platform
WITH due AS (
    SELECT v.id FROM verifications v
    WHERE v.platform = $3 AND v.state IN ('waiting', 'running', 'paused') AND (v.state <> 'paused' OR v.retry_at IS NOT NULL)
      AND (v.retry_at IS NULL OR v.retry_at <= now()) AND (v.owner IS NULL OR v.lease_until < now())
    ORDER BY v.id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE verifications v SET owner = $1, lease_until = now() + make_interval(secs => $2::int8 / 1000.0), state = 'running',
    started_at = COALESCE(v.started_at, now()), retry_at = NULL, updated_at = now()
FROM due WHERE v.id = due.id
RETURNING v.id, v.repair, v.resumed, v.failures
