-- The next dead deliveries to one target, for replaying them: by tenant, and of each tenant the oldest event first, which is how
-- their index lies. A limit that the planner cannot see makes it read along the index.
--  $1 tenant (null: all)  $2 target  $3 and $4 behind this tenant and event  $5 lowest event id  $6 rows at most
SELECT d.tenant_id, d.event_id FROM deliveries d
WHERE d.state = 5 AND ($1::text IS NULL OR d.tenant_id = $1) AND (d.tenant_id, d.event_id) > ($3::text, $4::uuid)
  AND d.event_id >= $5::uuid AND d.target = $2
ORDER BY d.tenant_id, d.event_id LIMIT (SELECT $6::int4)
