-- Deliveries to one target that are ready: open, tenants in turn; or in backoff and due; with none of the same record and target
-- still backing off, but for what waits to be asserted: that holds up nothing. A step of the recursion looks up the next tenant in the index: what one has waiting is never walked to find
-- the next one's.
--  $1 partitions  $2 priorities  $3 rows at most  $4 tenants come after this one: a row per stream  $5 tenants in a turn
--  $6 partitions for what was in backoff  $7 rows of each at most  $8 repeats among them at most, of all together  $9 target
-- `more`: of this tenant there may be more; of what was in backoff: there may be more. `turn_end`: there may be more tenants, after
-- this one. `due_ms` (milliseconds until the next one in backoff is due, null when none) stands in every row, also in the only row
-- with a null id; `due` rows were in backoff.
-- OFFSET 0 and `state + 0` make the planner look each record up by its index, instead of comparing each delivery with all that back
-- off.
-- returns: partition int2, priority int2, id uuid, record_id uuid, seq int8, event_type text, trace text, tenant_id text,
-- returns: more bool, turn_end text, due bool, due_ms int8
WITH turn AS (
    SELECT s.*, t.tenant_id, count(*) OVER stream AS tenants, max(t.tenant_id) OVER stream AS last_tenant
    FROM unnest($1::int2[], $2::int2[], $3::int4[], $4::text[]) AS s(partition, priority, wanted, after)
    CROSS JOIN LATERAL (
        WITH RECURSIVE step(tenant_id, n) AS (
            SELECT (SELECT o.tenant_id FROM deliveries o WHERE o.target = $9 AND o.partition = s.partition
                    AND o.priority = s.priority AND o.state = 0 AND o.tenant_id > s.after ORDER BY o.tenant_id LIMIT 1), 1
            UNION ALL
            SELECT (SELECT o.tenant_id FROM deliveries o WHERE o.target = $9 AND o.partition = s.partition
                    AND o.priority = s.priority AND o.state = 0 AND o.tenant_id > step.tenant_id ORDER BY o.tenant_id LIMIT 1),
                step.n + 1
            FROM step WHERE step.tenant_id IS NOT NULL AND step.n < $5::int4
        )
        SELECT step.tenant_id FROM step WHERE step.tenant_id IS NOT NULL
    ) t
    WINDOW stream AS (PARTITION BY s.partition, s.priority)
), due AS (
    (SELECT d.* FROM unnest($6::int2[]) AS p(partition)
     CROSS JOIN LATERAL (
        SELECT b.partition, b.priority, b.event_id, b.record_id, b.seq, b.tenant_id, b.next_attempt_at FROM deliveries b
        WHERE b.target = $9 AND b.partition = p.partition AND b.state = 1 AND least(b.sendings, 1::int2) = 0 AND b.next_attempt_at <= now()
          AND NOT EXISTS (SELECT FROM deliveries w WHERE w.record_id = b.record_id AND w.target = $9 AND w.state IN (0, 1)
                          AND w.state + 0 = 1 AND w.next_attempt_at > now()
                          AND NOT (w.processed_at IS NOT NULL AND w.sendings = 0) OFFSET 0) -- a newer version that carries this one waits
        ORDER BY b.next_attempt_at LIMIT $7::int4
     ) d)
    UNION ALL
    (SELECT d.* FROM unnest($6::int2[]) AS p(partition)
     CROSS JOIN LATERAL (
        SELECT b.partition, b.priority, b.event_id, b.record_id, b.seq, b.tenant_id, b.next_attempt_at FROM deliveries b
        WHERE b.target = $9 AND b.partition = p.partition AND b.state = 1 AND least(b.sendings, 1::int2) = 1 AND b.next_attempt_at <= now()
          AND NOT EXISTS (SELECT FROM deliveries w WHERE w.record_id = b.record_id AND w.target = $9 AND w.state IN (0, 1)
                          AND w.state + 0 = 1 AND w.next_attempt_at > now()
                          AND NOT (w.processed_at IS NOT NULL AND w.sendings = 0) OFFSET 0)
        ORDER BY b.next_attempt_at LIMIT $7::int4
     ) d
     ORDER BY d.next_attempt_at LIMIT $8::int4)
), ready AS (
    SELECT t.partition, t.priority, d.event_id, d.record_id, d.seq, t.tenant_id, d.place,
        d.place >= t.wanted / t.tenants + 1 AS more, CASE WHEN t.tenants >= $5::int4 THEN t.last_tenant END AS turn_end,
        false AS due
    FROM turn t
    CROSS JOIN LATERAL (
        SELECT r.*, row_number() OVER () AS place FROM (
            SELECT o.event_id, o.record_id, o.seq FROM deliveries o
            WHERE o.target = $9 AND o.partition = t.partition AND o.priority = t.priority AND o.state = 0
              AND o.tenant_id = t.tenant_id
              AND NOT EXISTS (SELECT FROM deliveries b WHERE b.record_id = o.record_id AND b.target = $9 AND b.state IN (0, 1)
                              AND b.state + 0 = 1 AND NOT (b.processed_at IS NOT NULL AND b.sendings = 0) OFFSET 0)
            ORDER BY o.seq LIMIT t.wanted / t.tenants + 1
        ) r
    ) d
    UNION ALL
    SELECT d.partition, d.priority, d.event_id, d.record_id, d.seq, d.tenant_id, 0,
        count(*) OVER (PARTITION BY d.partition) >= $7::int4 OR count(*) OVER () >= $8::int4, NULL, true
    FROM due d
), outlook AS (
    SELECT (SELECT (extract(epoch FROM min(f.next_attempt_at) - now()) * 1000)::bigint
            FROM unnest($6::int2[]) AS p(partition)
            CROSS JOIN generate_series(0, 1) AS k(repeats)
            CROSS JOIN LATERAL (SELECT b.next_attempt_at FROM deliveries b
                WHERE b.target = $9 AND b.partition = p.partition AND b.state = 1 AND least(b.sendings, 1::int2) = k.repeats
                  AND b.next_attempt_at > now()
                ORDER BY b.next_attempt_at LIMIT 1) f) AS due_ms
)
SELECT r.partition, r.priority, r.event_id AS id, r.record_id, r.seq, e.event_type, e.trace, r.tenant_id, r.more, r.turn_end, r.due,
    o.due_ms
FROM outlook o LEFT JOIN (ready r CROSS JOIN LATERAL (SELECT * FROM sync_events e WHERE e.id = r.event_id OFFSET 0) e) ON true
ORDER BY r.partition, r.priority, r.place, r.tenant_id
