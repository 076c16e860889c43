-- Deliveries to one target that are ready: open, or in backoff and due, with none of the same record and target still backing
-- off. $1 partitions  $2 rows per partition and priority at most  $3 target
-- Answers the references; `due_ms` (milliseconds until the next one in backoff is due, null when none)
-- stands in every row, also in the only row with a null id. OFFSET 0 and `state + 0` make the planner look each record up by its
-- index, instead of comparing each delivery with all that back off.
-- returns: partition int2, priority int2, id uuid, record_id uuid, seq int8, event_type text, trace text, tenant_id text,
-- returns: due_ms int8
WITH ready AS (
    SELECT d.* FROM unnest($1::int2[]) AS p(partition)
    CROSS JOIN generate_series(0, 3) AS q(priority)
    CROSS JOIN LATERAL (
        SELECT o.partition, o.priority, o.event_id, o.record_id, o.seq, o.tenant_id FROM deliveries o
        WHERE o.target = $3 AND o.partition = p.partition AND o.priority = q.priority AND o.state = 0
          AND NOT EXISTS (SELECT FROM deliveries b WHERE b.record_id = o.record_id AND b.target = $3 AND b.state IN (0, 1)
                          AND b.state + 0 = 1 OFFSET 0)
        ORDER BY o.seq LIMIT $2::int
    ) d
    UNION ALL
    SELECT d.* FROM unnest($1::int2[]) AS p(partition)
    CROSS JOIN LATERAL (
        SELECT b.partition, b.priority, b.event_id, b.record_id, b.seq, b.tenant_id FROM deliveries b
        WHERE b.target = $3 AND b.partition = p.partition AND b.state = 1 AND b.next_attempt_at <= now()
          AND NOT EXISTS (SELECT FROM deliveries w WHERE w.record_id = b.record_id AND w.target = $3 AND w.state IN (0, 1)
                          AND w.state + 0 = 1 AND w.next_attempt_at > now() OFFSET 0) -- a newer version that carries this one waits
        ORDER BY b.next_attempt_at LIMIT $2::int
    ) d
), outlook AS (
    SELECT (SELECT (extract(epoch FROM min(f.next_attempt_at) - now()) * 1000)::bigint
            FROM unnest($1::int2[]) AS p(partition)
            CROSS JOIN LATERAL (SELECT b.next_attempt_at FROM deliveries b
                WHERE b.target = $3 AND b.partition = p.partition AND b.state = 1 AND b.next_attempt_at > now()
                ORDER BY b.next_attempt_at LIMIT 1) f) AS due_ms
)
SELECT r.partition, r.priority, r.event_id AS id, r.record_id, r.seq, e.event_type, e.trace, r.tenant_id, o.due_ms
FROM outlook o LEFT JOIN (ready r CROSS JOIN LATERAL (SELECT * FROM sync_events e WHERE e.id = r.event_id OFFSET 0) e) ON true
