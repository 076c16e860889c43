-- A page of conflicts, newest first. Run as a reader: row-level security hides other tenants'.
--  $1 status  $2 entity type  $3 the cursor's id: only below it  (null: not asked)  $4 rows at most
-- One row more than asked for says that something follows.
SELECT c.id, c.tenant_id, c.entity_type, c.entity_id, c.record_id, c.event_id, c.version, c.type,
    CASE WHEN c.types = '{}' THEN ARRAY[c.type] ELSE c.types END AS types, c.status, c.fields, c.open_fields, c.created_at,
    c.decided_by, c.decided_at
FROM sync_conflicts c
WHERE ($1::text IS NULL OR c.status = $1) AND ($2::text IS NULL OR c.entity_type = $2) AND ($3::uuid IS NULL OR c.id < $3)
ORDER BY c.id DESC LIMIT $4::int + 1
