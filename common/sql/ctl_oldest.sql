-- Since when the oldest waits before each of these stages: the first row of each tenant in each partition and priority, by the
-- indexes that the owners read by (at most 1000 tenants of each). The time is in the event's id. $1 stages  $2 partitions
SELECT s.stage, min(to_timestamp(('x' || translate(left(o.id::text, 13), '-', ''))::bit(48)::int8 / 1000.0)) AS oldest
FROM unnest($1::text[]) AS s(stage)
CROSS JOIN generate_series(0, $2::int4 - 1) AS p(partition)
CROSS JOIN generate_series(0, 3) AS q(priority)
CROSS JOIN LATERAL (
    (WITH RECURSIVE step(tenant_id, id, n) AS (
        (SELECT e.tenant_id, e.id, 1 FROM sync_events e
         WHERE s.stage = 'router' AND e.partition = p.partition AND e.priority = q.priority AND e.status = 0 AND NOT e.scheduled
         ORDER BY e.tenant_id, e.seq LIMIT 1)
        UNION ALL
        SELECT f.tenant_id, f.id, step.n + 1 FROM step CROSS JOIN LATERAL (
            SELECT e.tenant_id, e.id FROM sync_events e
            WHERE e.partition = p.partition AND e.priority = q.priority AND e.status = 0 AND NOT e.scheduled
              AND e.tenant_id > step.tenant_id
            ORDER BY e.tenant_id, e.seq LIMIT 1) f
        WHERE step.n < 1000
     )
     SELECT step.id FROM step)
    UNION ALL
    (WITH RECURSIVE step(tenant_id, id, n) AS (
        (SELECT d.tenant_id, d.event_id, 1 FROM deliveries d
         WHERE s.stage ^@ 'worker-' AND d.target = substr(s.stage, 8) AND d.partition = p.partition AND d.priority = q.priority
           AND d.state = 0
         ORDER BY d.tenant_id, d.seq LIMIT 1)
        UNION ALL
        SELECT f.tenant_id, f.event_id, step.n + 1 FROM step CROSS JOIN LATERAL (
            SELECT d.tenant_id, d.event_id FROM deliveries d
            WHERE d.target = substr(s.stage, 8) AND d.partition = p.partition AND d.priority = q.priority AND d.state = 0
              AND d.tenant_id > step.tenant_id
            ORDER BY d.tenant_id, d.seq LIMIT 1) f
        WHERE step.n < 1000
     )
     SELECT step.id FROM step)
) o
GROUP BY s.stage
