-- The causes whose alerts are not resolved, of one platform. $1 platform
SELECT key FROM sync_alerts WHERE platform = $1 AND status <> 'resolved' ORDER BY key LIMIT 200
