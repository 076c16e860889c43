-- The attempts of an event, all targets together, in order; the last 200. $1 event id
SELECT * FROM (
    SELECT target_platform AS target, generation, sending, at, duration_ms, http_status, outcome, costs, error, excerpt
    FROM sync_results WHERE event_id = $1::uuid ORDER BY at DESC LIMIT 200
) r ORDER BY target, generation, sending
