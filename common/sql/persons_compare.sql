-- Keeps the keys of users, and answers whom each is to be compared with: those who share most keys, and share one at least. Of a key
-- that many have, 200 of them are looked at.
--  $1 records  $2 tenants  $3 keys, as arrays  $4 at most, of each
WITH given AS MATERIALIZED (
    SELECT g.id, g.tenant_id, g.keys::int4[] AS keys FROM unnest($1::uuid[], $2::text[], $3::text[]) AS g(id, tenant_id, keys)
), gone AS (
    DELETE FROM similar_keys k USING given g WHERE k.record_id = g.id AND k.key <> ALL (g.keys)
), kept AS (
    INSERT INTO similar_keys (key, tenant_id, record_id) SELECT DISTINCT unnest(keys), tenant_id, id FROM given ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING
), met AS (
    SELECT g.id AS one, m.record_id AS other FROM given g CROSS JOIN LATERAL (
        SELECT o.record_id, count(*) AS shared FROM unnest(g.keys) AS q(key) CROSS JOIN LATERAL (
            SELECT k.record_id FROM similar_keys k WHERE k.key = q.key AND k.tenant_id = g.tenant_id AND k.record_id <> g.id
            ORDER BY k.record_id LIMIT 200) o
        GROUP BY o.record_id ORDER BY shared DESC LIMIT $4::int) m
    UNION -- of one page: not kept yet when this is asked
    SELECT g.id, h.id FROM given g JOIN given h ON h.keys && g.keys AND h.tenant_id = g.tenant_id AND h.id <> g.id
)
SELECT m.one, r.id AS other, r.data FROM met m
CROSS JOIN LATERAL (SELECT * FROM records r WHERE r.id = m.other AND NOT r.deleted AND r.merged_into IS NULL OFFSET 0) r
