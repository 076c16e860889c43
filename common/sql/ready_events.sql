-- Events that are ready for the router: accepted, due, not routed. $1 partitions  $2 rows per partition and priority at most
-- returns: partition int2, priority int2, id uuid, record_id uuid, seq int8, event_type text, trace text, tenant_id text
SELECT e.partition, e.priority, e.id, e.record_id, e.seq, e.event_type, e.trace, e.tenant_id
FROM unnest($1::int2[]) AS p(partition)
CROSS JOIN generate_series(0, 3) AS q(priority)
CROSS JOIN LATERAL (
    SELECT * FROM sync_events s
    WHERE s.partition = p.partition AND s.priority = q.priority AND s.status = 0 AND NOT s.scheduled
    ORDER BY s.seq LIMIT $2::int
) e
