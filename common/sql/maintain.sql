-- Housekeeping, harmless to repeat: days ahead, keys past their time, and the end of everything else that grows.
--  $1 days of metrics kept  $2 days of events kept  $3 days of resolved alerts kept  $4 parked entries kept
-- Keys go 10,000 at a time (KEYS_AT_ONCE of keep.c, which comes again at once when there were so many).
WITH keys AS (
    DELETE FROM idempotency_keys WHERE (tenant_id, kind, key) IN (
        SELECT tenant_id, kind, key FROM idempotency_keys WHERE expires_at < now() ORDER BY expires_at LIMIT 10000)
    RETURNING 1
), metrics AS (
    DELETE FROM sync_metrics WHERE minute < now() - make_interval(days => $1::int) RETURNING 1
), alerts AS (
    DELETE FROM sync_alerts WHERE status = 'resolved' AND resolved_at < now() - make_interval(days => $3::int)
), parked AS ( -- the newest stay
    DELETE FROM sync_errors WHERE id <= (SELECT id FROM sync_errors ORDER BY id DESC OFFSET $4::int LIMIT 1) RETURNING 1
), replicas_gone AS ( -- of stages that nobody runs any more; a heartbeat takes those of its own away sooner
    DELETE FROM replicas WHERE seen < now() - interval '1 day'
), backfills AS ( -- those that ended long ago, and files whose sender has given up
    DELETE FROM backfill_jobs WHERE ended_at < now() - make_interval(days => $2::int)
        OR (state = 'uploading' AND updated_at < now() - interval '7 days')
    RETURNING id
), verified AS (
    DELETE FROM verifications WHERE ended_at < now() - make_interval(days => $2::int)
), conflicts AS ( -- as long as the events that they are about; what waits for a person waits
    DELETE FROM sync_conflicts WHERE id IN (
        SELECT id FROM sync_conflicts
        WHERE id < sync_uuid_floor(greatest(now() - make_interval(days => $2::int), timestamptz '1971-01-01 00:00Z'))
            AND status IN ('resolved', 'replaced', 'undone') ORDER BY id LIMIT 10000)
), backfill_rows AS (
    DELETE FROM backfill_counts c USING backfills b WHERE c.job_id = b.id
)
SELECT sync_make_days(2) AS days, sync_drop_days($2::int) AS dropped, (SELECT count(*) FROM keys) AS keys, (SELECT count(*) FROM metrics) AS metrics,
    (SELECT count(*) FROM parked) AS parked
