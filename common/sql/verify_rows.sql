-- Which records the rows of a platform's list are, and what is known of them without reading content.
--  $1 tenant  $2 entity type  $3 platform  $4 when the page was asked for  $5 does the list tell tenants apart
--  rows: $6 record ids that they bring (null: none)  $7 record ids by what they are called  $8 the platform's ids
-- `known`: it is there, or should be. `foreign`: another tenant's, or may be one: not told to this one.
WITH listed AS MATERIALIZED (
    SELECT * FROM unnest($6::uuid[], $7::uuid[], $8::text[]) WITH ORDINALITY AS l(named, hashed, platform_id, place)
), alone AS MATERIALIZED (
    SELECT NOT EXISTS (SELECT FROM records r WHERE r.tenant_id < $1) AND NOT EXISTS (SELECT FROM records r WHERE r.tenant_id > $1)
        AS yes
)
SELECT l.place, r.id AS record_id, r.version, r.entity_id, COALESCE(r.deleted, false) AS deleted,
    COALESCE(r.tenant_id <> $1, NOT $5::bool AND NOT (SELECT yes FROM alone)) AS foreign,
    COALESCE(p.certain_version > 0 OR r.vector::jsonb ? $3, false) AS known,
    COALESCE(r.updated_at > $4::timestamptz OR p.delivered_at > $4::timestamptz, false)
        OR EXISTS (SELECT FROM deliveries d WHERE d.record_id = r.id AND d.target = $3 AND d.state IN (0, 1)) AS moving,
    EXISTS (SELECT FROM deliveries d WHERE d.record_id = r.id AND d.target = $3 AND d.state = 5
        AND d.version > COALESCE(p.certain_version, 0)) AS dead,
    h.version AS hashed_version, h.content AS hashed_content
FROM listed l
-- LATERAL with OFFSET 0: looked up one by one through the primary keys, however little the planner knows of fresh tables.
LEFT JOIN LATERAL (SELECT r.id FROM records r WHERE r.id = l.named AND r.entity_type || '' = $2 OFFSET 0) n ON true
LEFT JOIN LATERAL (SELECT i.record_id FROM record_ids i WHERE i.tenant_id = $1 AND i.entity_type = $2 AND i.platform = $3
    AND i.platform_id = l.platform_id OFFSET 0) i ON true
LEFT JOIN LATERAL (SELECT COALESCE(m.merged_into, m.id) AS id FROM records m WHERE m.id = COALESCE(n.id, i.record_id, l.hashed)
    OFFSET 0) m ON true
LEFT JOIN LATERAL (SELECT * FROM records r WHERE r.id = m.id OFFSET 0) r ON true
LEFT JOIN LATERAL (SELECT * FROM record_platforms p WHERE p.record_id = r.id AND p.platform = $3 OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT * FROM drift_hashes h WHERE h.record_id = r.id AND h.platform = $3 OFFSET 0) h ON true
ORDER BY l.place
