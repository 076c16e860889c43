-- The newest policies of tenants that have any of their own. $1 tenants
SELECT v.tenant_id, v.version::int8, v.text
FROM unnest($1::text[]) AS t(tenant_id)
CROSS JOIN LATERAL (SELECT * FROM policy_versions p WHERE p.tenant_id = t.tenant_id ORDER BY p.version DESC LIMIT 1) v
