-- The next dead deliveries to one target, oldest event first, for replaying them. Found as ctl_dead_list.sql finds them.
--  $1 tenant (null: all)  $2 target  $3 above this event id  $4 highest event id  $5 rows at most
WITH RECURSIVE hop (tenant_id) AS (
    SELECT COALESCE($1::text, (SELECT d.tenant_id FROM deliveries d WHERE d.state = 5 AND d.event_id > $3::uuid
                               ORDER BY d.tenant_id LIMIT 1))
    UNION ALL
    SELECT (SELECT d.tenant_id FROM deliveries d WHERE d.state = 5 AND d.tenant_id > hop.tenant_id AND d.event_id > $3
            ORDER BY d.tenant_id LIMIT 1)
    FROM hop WHERE hop.tenant_id IS NOT NULL AND $1 IS NULL
), oldest AS (
    SELECT d.event_id, d.error FROM hop CROSS JOIN LATERAL (
        SELECT * FROM deliveries d
        WHERE d.tenant_id = hop.tenant_id AND d.state = 5 AND d.event_id > $3 AND d.event_id <= $4::uuid AND d.target = $2
        ORDER BY d.event_id LIMIT (SELECT $5::int4)
    ) d ORDER BY d.event_id LIMIT $5
)
SELECT o.event_id, e.error IS NOT NULL AND e.status = 3 AS refused
FROM oldest o JOIN LATERAL (SELECT * FROM sync_events e WHERE e.id = o.event_id OFFSET 0) e ON true
ORDER BY o.event_id
