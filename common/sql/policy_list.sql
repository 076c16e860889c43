-- The versions of a tenant's own policies, newest first, without their texts. Run as a reader.
--  $1 tenant  $2 only below this one (null: from the newest)  $3 rows at most: one more says that something follows
SELECT version::int8, author, note, restores::int8, created_at, octet_length(text)::int8 AS bytes
FROM policy_versions WHERE tenant_id = $1 AND ($2::int8 IS NULL OR version < $2::int8)
ORDER BY version DESC LIMIT $3::int + 1
