-- Keeps the keys of users, and answers whom each is to be compared with: those who share most keys, and share one at least.
--  $1 records  $2 tenants  $3 the events that made them  $4 keys, as arrays  $5 at most, of each
WITH given AS MATERIALIZED (
    SELECT g.id, g.tenant_id, g.event_id, g.keys::int4[] AS keys FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[])
        AS g(id, tenant_id, event_id, keys)
), kept AS (
    INSERT INTO record_features AS f (record_id, event_id, tenant_id, keys) SELECT id, event_id, tenant_id, keys FROM given ORDER BY id
    ON CONFLICT (record_id) DO UPDATE SET event_id = excluded.event_id, keys = excluded.keys WHERE f.event_id <> excluded.event_id
), met AS (
    SELECT g.id AS one, o.record_id AS other FROM given g CROSS JOIN LATERAL (
        SELECT c.record_id, c.shared FROM (
            SELECT f.record_id, (SELECT count(*) FROM unnest(f.keys) k WHERE k = ANY (g.keys)) AS shared FROM record_features f
            WHERE f.keys && g.keys AND f.tenant_id = g.tenant_id AND f.record_id <> g.id LIMIT 1000) c
        ORDER BY c.shared DESC LIMIT $5::int) o
    UNION -- of one page: not kept yet when this is asked
    SELECT g.id, h.id FROM given g JOIN given h ON h.keys && g.keys AND h.tenant_id = g.tenant_id AND h.id <> g.id
)
SELECT m.one, r.id AS other, r.data FROM met m
CROSS JOIN LATERAL (SELECT * FROM records r WHERE r.id = m.other AND NOT r.deleted AND r.merged_into IS NULL OFFSET 0) r
