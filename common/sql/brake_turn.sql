-- What is braked, and what has just ceased to be. Of what a person drops the next events are cancelled; when none is left in any
-- partition, the brake ends.
--  $1 stage  $2 owner  $3 partitions  $4 their fences  $5 events at most  $6 writer
-- returns: id uuid, tenant_id text, entity_type text, kind text, status text, counted int8
WITH held AS (
    SELECT l.partition FROM leases l JOIN unnest($3::int2[], $4::int8[]) AS o(partition, fence) USING (partition, fence)
    WHERE l.stage = $1 AND l.owner = $2 FOR KEY SHARE OF l
), doomed AS (
    SELECT e.id, b.id AS brake_id FROM brakes b
    CROSS JOIN held CROSS JOIN generate_series(0, 3) AS p(priority)
    CROSS JOIN LATERAL (
        SELECT w.id FROM sync_events w
        WHERE w.partition = held.partition AND w.priority = p.priority AND w.tenant_id = b.tenant_id AND w.status = 0
          AND NOT w.scheduled AND w.seq <= b.until_seq
          AND CASE b.kind WHEN 'deletes' THEN w.event_type LIKE '%\_deleted' ELSE w.entity_type = b.entity_type END
        ORDER BY w.seq LIMIT $5::int FOR UPDATE SKIP LOCKED
    ) e
    WHERE b.status = 'dropping' LIMIT $5::int
), cancelled AS (
    UPDATE sync_events e SET status = 4, processed_at = now(),
        error = 'dropped by a person: too much of the kind was changed at once'
    FROM doomed d WHERE e.id = d.id AND e.status + 0 = 0
    RETURNING d.brake_id
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting) SELECT 'router', $6, -count(*) FROM cancelled HAVING count(*) > 0
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting
), ended AS (
    UPDATE brakes b SET cancelled = b.cancelled + (SELECT count(*) FROM cancelled c WHERE c.brake_id = b.id),
        status = CASE WHEN left_over.more THEN 'dropping' ELSE 'dropped' END,
        ended_at = CASE WHEN left_over.more THEN NULL ELSE now() END
    FROM (SELECT * FROM brakes WHERE status = 'dropping' FOR UPDATE SKIP LOCKED) mine
    CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT FROM generate_series(0, 255) AS q(partition) CROSS JOIN generate_series(0, 3) AS p(priority)
        JOIN sync_events w ON w.partition = q.partition AND w.priority = p.priority AND w.tenant_id = mine.tenant_id AND w.status = 0
          AND NOT w.scheduled AND w.seq <= mine.until_seq
          AND CASE mine.kind WHEN 'deletes' THEN w.event_type LIKE '%\_deleted' ELSE w.entity_type = mine.entity_type END) AS more) left_over
    WHERE b.id = mine.id
)
SELECT b.id, b.tenant_id, b.entity_type, b.kind, b.status, b.counted FROM brakes b
WHERE b.status IN ('on', 'dropping') OR b.ended_at > now() - interval '10 seconds'
