-- A page of alerts, newest first. Run as a reader: a tenant sees its own and those of the service that tell nothing of anybody; of
-- these without what people wrote, which may.
--  $1 status  $2 level  $3 platform  $4 the cursor's id: only below it  $5 rows at most  (null: not asked)
-- With no alert on the page there is no row; one row more than asked for says that something follows.
SELECT a.id, a.level, a.title, a.message, a.metric_name, a.threshold_value, a.current_value, a.platform, a.tenant_id, a.status,
    CASE WHEN a.tenant_id IS NOT NULL OR current_setting('sync.tenant', true) = '*' THEN a.resolution_note END AS resolution_note,
    a.created_at, a.raised_at, a.resolved_at
FROM sync_alerts a
WHERE ($1::text IS NULL OR a.status = $1) AND ($2::text IS NULL OR a.level = $2) AND ($3::text IS NULL OR a.platform = $3)
  AND ($4::uuid IS NULL OR a.id < $4)
ORDER BY a.id DESC LIMIT $5::int + 1
