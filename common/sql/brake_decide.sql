-- A person lets go what a brake holds, or drops it. Run as the writer, so the tenant stands in the condition. No row: there is no such
-- brake, or somebody has decided already.
--  $1 brake  $2 tenant (null: all)  $3 status after (released, dropping)  $4 who  $5 note
UPDATE brakes SET status = $3, ended_by = $4, note = $5, until_seq = nextval('sync_seq'),
    ended_at = CASE WHEN $3 = 'released' THEN now() END
WHERE id = $1::uuid AND ($2::text IS NULL OR tenant_id = $2) AND status = 'on'
RETURNING id, tenant_id, entity_type, kind, status, counted, records, cancelled, created_at, ended_at, ended_by, note
