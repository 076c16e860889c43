-- The causes whose alerts are not resolved, of one platform, and how long ago they were raised last. $1 platform
SELECT key, (extract(epoch FROM now() - raised_at) * 1000)::int8 AS silent_ms FROM sync_alerts
WHERE platform = $1 AND status <> 'resolved' ORDER BY key LIMIT 200
