-- Whose policies have changed since. $1 the last change that is known  $2 rows at most
SELECT change, tenant_id FROM policy_versions WHERE change > $1::int8 ORDER BY change DESC LIMIT $2::int
