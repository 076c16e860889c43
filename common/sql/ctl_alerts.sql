-- The alerts that are not resolved, the worst first; $1 of them, and how many there are of each level in every row.
SELECT level, title, platform, status, created_at, count(*) OVER () AS open,
    count(*) FILTER (WHERE level = 'critical') OVER () AS critical, count(*) FILTER (WHERE level = 'error') OVER () AS error,
    count(*) FILTER (WHERE level = 'warning') OVER () AS warning
FROM sync_alerts WHERE status <> 'resolved'
ORDER BY level = 'critical' DESC, level = 'error' DESC, created_at DESC LIMIT $1::int4
