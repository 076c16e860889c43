-- Parked entries of the belt, newest first. $1 the one with this number (null: any)  $2 stage (null: all)  $3 not before
-- $4 rows at most
SELECT id, at, stage, stream, entry_id, tenant_id, reason, entry FROM sync_errors
WHERE ($1::int8 IS NULL OR id = $1) AND ($2::text IS NULL OR stage = $2) AND at >= $3::timestamptz
ORDER BY id DESC LIMIT $4::int4
