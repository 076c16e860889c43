-- Conflicts that wait for the resolver, as references to the events that met them. $1 partitions  $2 rows per partition at most
SELECT e.partition, 0::int2 AS priority, e.id, e.record_id, e.seq, e.event_type, e.trace, e.tenant_id
FROM sync_conflicts c JOIN sync_events e ON e.id = c.event_id
WHERE c.status = 'open' AND e.partition = ANY ($1::int2[])
ORDER BY c.id LIMIT $2::int
