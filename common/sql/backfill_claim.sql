-- Takes first syncs that nobody runs: new ones, those whose time has come again, and those whose gateway has not been heard of.
-- Tenants that have fewer under way come first.  $1 owner  $2 lease in ms  $3 jobs at most
WITH due AS (
    SELECT j.id FROM backfill_jobs j
    WHERE j.state IN ('waiting', 'running', 'paused') AND (j.state <> 'paused' OR j.retry_at IS NOT NULL)
      AND (j.retry_at IS NULL OR j.retry_at <= now()) AND (j.owner IS NULL OR j.lease_until < now())
    ORDER BY (SELECT count(*) FROM backfill_jobs o WHERE o.tenant_id = j.tenant_id AND o.owner IS NOT NULL), j.id
    LIMIT $3::int8 FOR UPDATE SKIP LOCKED
)
UPDATE backfill_jobs j SET owner = $1, lease_until = now() + make_interval(secs => $2::int8 / 1000.0), state = 'running',
    started_at = COALESCE(j.started_at, now()), retry_at = NULL, updated_at = now()
FROM due WHERE j.id = due.id
RETURNING j.id, j.tenant_id, j.platform, j.source, j.subject, j.rate, j.as_of, j.snapshot_seq, j.line, j.read, j.refused,
    j.failures, j.part, j.chunk, j.chunk_line, j.entity_at, j.cursor, array_to_string(j.entities, ',') AS entities,
    array_to_string(j.targets, ',') AS targets
