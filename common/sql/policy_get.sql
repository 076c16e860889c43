-- A tenant's own policies: the newest version, or the one asked for; no row where there is none. Run as a reader.
--  $1 tenant  $2 version (null: the newest)
SELECT tenant_id, version::int8, text, author, note, restores::int8, created_at
FROM policy_versions WHERE tenant_id = $1 AND ($2::int8 IS NULL OR version = $2::int8)
ORDER BY version DESC LIMIT 1
