-- Events that are ready for the router: accepted, due, not routed; tenants in turn, but for those whose flow is paused (brakes). A step
-- of the recursion looks up the next tenant in the index: what one has waiting is never walked to find the next one's.
--  $1 partitions  $2 priorities  $3 rows at most  $4 tenants come after this one: a row per stream  $5 tenants in a turn
-- `more`: of this tenant there may be more. `turn_end`: there may be more tenants, after this one.
-- returns: partition int2, priority int2, id uuid, record_id uuid, seq int8, event_type text, trace text, tenant_id text,
-- returns: more bool, turn_end text
WITH turn AS (
    SELECT s.*, t.tenant_id, count(*) OVER stream AS tenants, max(t.tenant_id) OVER stream AS last_tenant
    FROM unnest($1::int2[], $2::int2[], $3::int4[], $4::text[]) AS s(partition, priority, wanted, after)
    CROSS JOIN LATERAL (
        WITH RECURSIVE step(tenant_id, n) AS (
            SELECT (SELECT e.tenant_id FROM sync_events e WHERE e.partition = s.partition AND e.priority = s.priority
                    AND e.status = 0 AND NOT e.scheduled AND e.tenant_id > s.after ORDER BY e.tenant_id LIMIT 1), 0
            UNION ALL
            SELECT (SELECT e.tenant_id FROM sync_events e WHERE e.partition = s.partition AND e.priority = s.priority
                    AND e.status = 0 AND NOT e.scheduled AND e.tenant_id > step.tenant_id ORDER BY e.tenant_id LIMIT 1),
                step.n + (NOT EXISTS (SELECT FROM brakes b WHERE b.tenant_id = step.tenant_id AND b.status IN ('on', 'dropping')))::int
            FROM step WHERE step.tenant_id IS NOT NULL AND step.n < $5::int4
        )
        SELECT step.tenant_id FROM step WHERE step.tenant_id IS NOT NULL AND step.n < $5::int4
          AND NOT EXISTS (SELECT FROM brakes b WHERE b.tenant_id = step.tenant_id AND b.status IN ('on', 'dropping'))
    ) t
    WINDOW stream AS (PARTITION BY s.partition, s.priority)
)
SELECT t.partition, t.priority, e.id, e.record_id, e.seq, e.event_type, e.trace, t.tenant_id,
    e.place >= t.wanted / t.tenants + 1 AS more, CASE WHEN t.tenants >= $5::int4 THEN t.last_tenant END AS turn_end
FROM turn t
CROSS JOIN LATERAL (
    SELECT r.*, row_number() OVER () AS place FROM (
        SELECT w.id, w.record_id, w.seq, w.event_type, w.trace FROM sync_events w
        WHERE w.partition = t.partition AND w.priority = t.priority AND w.status = 0 AND NOT w.scheduled
          AND w.tenant_id = t.tenant_id
        ORDER BY w.seq LIMIT t.wanted / t.tenants + 1
    ) r
) e
ORDER BY t.partition, t.priority, e.place, t.tenant_id
