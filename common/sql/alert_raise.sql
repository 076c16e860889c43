-- Raises an alert, or the same one again: of one cause (key) one row is not resolved, and what was resolved less than an hour
-- ago comes back as the row it was. `notice` is what people are told, null when they were told within the last hour.
--  $1 id  $2 key  $3 level  $4 title  $5 message  $6 platform  $7 tenant  $8 shared
-- returns: notice text
WITH same AS (
    SELECT id FROM sync_alerts
    WHERE key = $2 AND (status <> 'resolved' OR resolved_at > now() - interval '1 hour')
    ORDER BY status = 'resolved', created_at DESC LIMIT 1 FOR UPDATE
), again AS (
    UPDATE sync_alerts a SET status = CASE a.status WHEN 'acknowledged' THEN a.status ELSE 'active' END, level = $3, title = $4,
        message = $5, resolved_at = NULL, resolution_note = NULL, raised_at = now(), times = a.times + 1,
        told_at = CASE WHEN a.told_at < now() - interval '1 hour' THEN now() ELSE a.told_at END
    FROM same WHERE a.id = same.id
    RETURNING a.*
), fresh AS (
    INSERT INTO sync_alerts AS a (id, key, level, title, message, platform, tenant_id, shared)
    SELECT $1::uuid, $2, $3, $4, $5, $6, $7, $8::bool WHERE NOT EXISTS (SELECT FROM again)
    ON CONFLICT (key) WHERE status <> 'resolved' DO UPDATE SET raised_at = now(), times = a.times + 1 -- another was faster
    RETURNING a.*
)
SELECT CASE WHEN n.told_at = now() THEN json_build_object('id', n.id, 'status', n.status, 'level', n.level, 'title', n.title,
    'message', n.message, 'platform', n.platform, 'tenant_id', n.tenant_id, 'created_at',
    to_char(n.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text END AS notice
FROM (SELECT * FROM again UNION ALL SELECT * FROM fresh) n
