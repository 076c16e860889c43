-- Brakes, newest first. Run as a reader: row-level security hides other tenants'.
--  $1 status (null: all)  $2 the id of one (null: all)  $3 rows at most
SELECT id, tenant_id, entity_type, kind, status, counted, records, cancelled, created_at, ended_at, ended_by, note
FROM brakes WHERE ($1::text IS NULL OR status = $1) AND ($2::uuid IS NULL OR id = $2)
ORDER BY created_at DESC, id DESC LIMIT $3::int
