-- Stores what may be one person, takes back what no longer looks so, and moves the cursor. What a person has decided stays decided.
--  $1 users that were looked at  $2 $3 pairs  $4 percent  $5 why, with commas  $6 ids for them  $7 suggestions of a tenant at most
--  $8 the cursor
WITH pair AS MATERIALIZED (
    SELECT DISTINCT ON (o.id, y.id) o.id AS older, y.id AS younger, o.tenant_id, o.entity_id, y.entity_id AS other_entity_id, p.score,
        p.why, p.link_id
    FROM unnest($2::uuid[], $3::uuid[], $4::int2[], $5::text[], $6::uuid[]) AS p(one, other, score, why, link_id)
    JOIN records a ON a.id = p.one JOIN records b ON b.id = p.other AND b.tenant_id = a.tenant_id
    CROSS JOIN LATERAL (SELECT (CASE WHEN (a.created_at, a.id) < (b.created_at, b.id) THEN a ELSE b END).*) o
    CROSS JOIN LATERAL (SELECT (CASE WHEN (a.created_at, a.id) < (b.created_at, b.id) THEN b ELSE a END).*) y
    WHERE a.merged_into IS NULL AND b.merged_into IS NULL
), gone AS (
    DELETE FROM record_links l USING (SELECT DISTINCT unnest($1::uuid[]) AS id) seen
    WHERE l.status = 'suggested' AND (l.record_id = seen.id OR l.other_id = seen.id)
      AND NOT EXISTS (SELECT FROM pair p WHERE p.older = l.record_id AND p.younger = l.other_id)
), room AS MATERIALIZED (
    SELECT t.tenant_id, $7::int - (SELECT count(*) FROM (SELECT FROM record_links l WHERE l.tenant_id = t.tenant_id
        AND l.status = 'suggested' LIMIT $7::int) s) AS places
    FROM (SELECT DISTINCT tenant_id FROM pair) t
), stored AS (
    INSERT INTO record_links AS l (id, tenant_id, entity_type, record_id, other_id, entity_id, other_entity_id, status, kind, score, why)
    SELECT p.link_id, p.tenant_id, 'user', p.older, p.younger, p.entity_id, p.other_entity_id, 'suggested', 'suggestion', p.score,
        string_to_array(p.why, ',')
    FROM (SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY score DESC) AS place FROM pair) p
    JOIN room r ON r.tenant_id = p.tenant_id AND p.place <= r.places
    ON CONFLICT (record_id, other_id) DO UPDATE SET score = excluded.score, why = excluded.why WHERE l.status = 'suggested'
    RETURNING 1
), moved AS (
    INSERT INTO similar_cursor (event_id) SELECT $8::uuid ON CONFLICT (only_one) DO UPDATE SET event_id = excluded.event_id
)
SELECT count(*) AS stored FROM stored
