-- A new verification of what a platform has, with its parts: a tenant's records of one type each (of all tenants: where there are
-- any). Refused while another one of the platform and tenant is unfinished; one by the schedule also when the last one by it is
-- younger than the interval.
--  $1 id  $2 tenant (*: all)  $3 platform  $4 entities, with commas  $5 repair  $6 subject  $7 interval in ms (null: asked for by a person)
-- Answers which one is unfinished, and whether it was made.
WITH RECURSIVE tenant(name) AS ( -- one look into the index for each
    SELECT CASE WHEN $2 = '*' THEN (SELECT min(tenant_id) FROM records) ELSE $2 END
    UNION ALL
    SELECT (SELECT min(r.tenant_id) FROM records r WHERE r.tenant_id > t.name) FROM tenant t WHERE $2 = '*' AND t.name IS NOT NULL
), same AS (
    SELECT min(v.id::text) AS id FROM verifications v
    WHERE v.platform = $3 AND v.state IN ('waiting', 'running', 'paused') AND v.tenant_id = $2
), made AS (
    INSERT INTO verifications (id, tenant_id, platform, entities, repair, subject, scheduled)
    SELECT $1::uuid, $2, $3, string_to_array($4, ','), $5::bool, $6, $7::int8 IS NOT NULL FROM same
    WHERE same.id IS NULL AND ($7::int8 IS NULL OR NOT EXISTS (SELECT FROM verifications v WHERE v.platform = $3 AND v.scheduled
        AND (v.state IN ('waiting', 'running', 'paused') OR v.created_at > now() - make_interval(secs => $7::int8 / 1000.0))))
    ON CONFLICT DO NOTHING
    RETURNING id
), parts AS (
    INSERT INTO verification_parts (job_id, place, tenant_id, entity_type)
    SELECT made.id, row_number() OVER (ORDER BY t.name, e.place), t.name, e.name
    FROM made, tenant t, unnest(string_to_array($4, ',')) WITH ORDINALITY AS e(name, place) WHERE t.name IS NOT NULL
      AND ($2 <> '*' OR EXISTS (SELECT FROM records r WHERE r.tenant_id = t.name AND r.entity_type = e.name))
)
SELECT same.id AS same, EXISTS (SELECT FROM made) AS made FROM same
