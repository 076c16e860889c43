-- Who holds these keys: read by the losers of accept_events.sql. $1 tenants  $2 kinds (0 key, 1 own id)  $3 keys
SELECT k.tenant_id, k.kind, k.key, k.event_id, k.fingerprint, e.client_id
FROM unnest($1::text[], $2::int2[], $3::text[]) AS w(tenant_id, kind, key)
JOIN idempotency_keys k USING (tenant_id, kind, key)
LEFT JOIN sync_events e ON e.id = k.event_id
