-- Dead deliveries, newest event first. Their index begins with the tenant: the tenants that have any are found by hopping along
-- it, and each gives its newest, so that nothing but dead rows is read, and of each tenant no more than $5 (more only where a
-- target is asked for: the index does not know it). A limit that the planner cannot see makes it read along the index, instead of
-- reading and sorting all of a tenant's.
--  $1 tenant (null: all)  $2 target (null: all)  $3 lowest event id  $4 highest event id  $5 rows at most
WITH RECURSIVE hop (tenant_id) AS (
    SELECT COALESCE($1::text, (SELECT d.tenant_id FROM deliveries d WHERE d.state = 5 AND d.event_id >= $3::uuid
                               ORDER BY d.tenant_id LIMIT 1))
    UNION ALL
    SELECT (SELECT d.tenant_id FROM deliveries d WHERE d.state = 5 AND d.tenant_id > hop.tenant_id AND d.event_id >= $3
            ORDER BY d.tenant_id LIMIT 1)
    FROM hop WHERE hop.tenant_id IS NOT NULL AND $1 IS NULL
), newest AS (
    SELECT d.* FROM hop CROSS JOIN LATERAL (
        SELECT * FROM deliveries d
        WHERE d.tenant_id = hop.tenant_id AND d.state = 5 AND d.event_id >= $3 AND d.event_id <= $4::uuid
          AND ($2::text IS NULL OR d.target = $2)
        ORDER BY d.event_id DESC LIMIT (SELECT $5::int4)
    ) d ORDER BY d.event_id DESC, d.target LIMIT $5
)
SELECT n.event_id, n.target, e.event_type, e.entity_id, n.tenant_id, e.created_at AS accepted_at, n.processed_at AS died_at,
    n.attempts, n.sendings, n.http_status, COALESCE(n.error, e.error) AS reason
FROM newest n LEFT JOIN LATERAL (SELECT * FROM sync_events e WHERE e.id = n.event_id OFFSET 0) e ON true
ORDER BY n.event_id DESC, n.target
