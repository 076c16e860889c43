-- The last 24 hours in one row, from the counters per minute (I10), and the alerts that are not resolved, the worst first;
-- row-level security leaves what the tenant may see.
SELECT COALESCE(sum(completed) FILTER (WHERE platform = ''), 0)::int8 AS completed,
    greatest(COALESCE(sum(failed) FILTER (WHERE platform = ''), 0), 0)::int8 AS failed,
    COALESCE(sum(total_ms) FILTER (WHERE platform = ''), 0)::int8 AS total_ms,
    COALESCE(sum(failed + retried) FILTER (WHERE platform <> ''), 0)::int8 AS errors,
    COALESCE(sum(failed) FILTER (WHERE platform <> ''), 0)::int8 AS critical,
    (SELECT COALESCE(json_agg(json_build_object('id', id, 'level', level, 'title', title, 'message', message, 'platform', platform,
         'tenant_id', tenant_id, 'status', status, 'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
         ORDER BY level = 'critical' DESC, level = 'error' DESC, id DESC), '[]')
     FROM (SELECT * FROM sync_alerts WHERE status <> 'resolved' ORDER BY id DESC LIMIT 100) a)::text AS alerts
FROM sync_metrics WHERE minute > now() - interval '24 hours'
