-- A record with what each platform has of it: a row per platform, the record's columns in each; found by its entity id or our own
-- id, by a platform's id, or by e-mail. What was merged into another record leads there. Run as a reader: row-level security hides
-- other tenants' records. By e-mail there may be several: the first in order of creation, deleted ones last, is shown; of the
-- others there is one row each, without data, at place 2 and on.
--  $1 tenant  $2 entity type  $3 record id as hashed from $4  $4 entity id  $5 our record id  $6 platform  $7 the platform's id
--  $8 hash of an e-mail address  $9 records at most                     (null: not asked)
WITH RECURSIVE asked AS MATERIALIZED ( -- whose values the planner does not know: a null among them would look to it like a scan
    SELECT $1::text AS tenant_id, $2::text AS entity_type, $4::text AS entity_id, $6::text AS platform, $7::text AS platform_id,
        $8::bytea AS email_hash
), found AS (
    SELECT i.record_id AS id, 0 AS rank FROM asked a
    JOIN record_ids i USING (tenant_id, entity_type, platform, platform_id)
    UNION ALL
    SELECT $3::uuid, 1
    UNION ALL
    SELECT r.id, 2 FROM asked a JOIN records r USING (tenant_id, entity_type, entity_id)
    UNION ALL
    SELECT $5::uuid, 3
    UNION ALL
    SELECT r.id, 4 FROM asked a JOIN records r USING (tenant_id, email_hash)
), way AS (
    SELECT f.rank, r.id, r.merged_into, 1 AS length FROM found f
    JOIN records r ON r.id = f.id WHERE r.tenant_id = $1 AND r.entity_type = $2
    UNION ALL
    SELECT w.rank, r.id, r.merged_into, w.length + 1 FROM way w
    JOIN records r ON r.id = w.merged_into WHERE r.tenant_id = $1 AND w.length < 8
), shown AS (
    SELECT r.*, row_number() OVER (ORDER BY w.rank, r.deleted, r.created_at, r.id) AS place
    FROM (SELECT id, min(rank) AS rank FROM way WHERE merged_into IS NULL GROUP BY id) w JOIN records r ON r.id = w.id
    ORDER BY place LIMIT $9::int
)
SELECT s.place, s.id, s.tenant_id, s.entity_type, s.entity_id, s.version, s.vector, s.deleted, s.created_at, s.updated_at,
    CASE WHEN s.place = 1 THEN s.data END AS data, CASE WHEN s.place = 1 THEN s.notes END AS notes,
    p.platform, p.certain_version, p.platform_id, p.delivered_at, p.state
FROM shown s
LEFT JOIN LATERAL (
    SELECT COALESCE(h.platform, i.platform) AS platform, h.certain_version, COALESCE(h.platform_id, i.platform_id) AS platform_id,
        h.delivered_at, h.state
    FROM (SELECT * FROM record_platforms WHERE record_id = s.id) h
    FULL JOIN (SELECT platform, min(platform_id) AS platform_id FROM record_ids WHERE record_id = s.id GROUP BY platform) i
        ON i.platform = h.platform
) p ON s.place = 1
ORDER BY s.place, p.platform
