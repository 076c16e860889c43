-- Since when the oldest waits before each of these stages: the first row of each partition and priority, by the indexes that the
-- owners read by. The time is in the event's id. $1 stages  $2 partitions
SELECT s.stage, min(to_timestamp(('x' || translate(left(o.id::text, 13), '-', ''))::bit(48)::int8 / 1000.0)) AS oldest
FROM unnest($1::text[]) AS s(stage)
CROSS JOIN generate_series(0, $2::int4 - 1) AS p(partition)
CROSS JOIN generate_series(0, 3) AS q(priority)
CROSS JOIN LATERAL (
    (SELECT e.id FROM sync_events e
     WHERE s.stage = 'router' AND e.partition = p.partition AND e.priority = q.priority AND e.status = 0 AND NOT e.scheduled
     ORDER BY e.seq LIMIT 1)
    UNION ALL
    (SELECT d.event_id FROM deliveries d
     WHERE s.stage ^@ 'worker-' AND d.target = substr(s.stage, 8) AND d.partition = p.partition AND d.priority = q.priority
       AND d.state = 0
     ORDER BY d.seq LIMIT 1)
) o
GROUP BY s.stage
