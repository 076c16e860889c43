-- Resolves the alert of a cause; no row when none was open. $1 key  $2 note
-- returns: notice text
UPDATE sync_alerts a SET status = 'resolved', resolved_at = now(), resolution_note = $2
WHERE a.key = $1 AND a.status <> 'resolved'
RETURNING json_build_object('id', a.id, 'status', a.status, 'level', a.level, 'title', a.title, 'platform', a.platform,
    'tenant_id', a.tenant_id, 'resolution_note', a.resolution_note, 'resolved_at',
    to_char(a.resolved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text
