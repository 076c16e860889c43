-- Records outcomes of one target in one statement: deliveries, attempts, events that end with them, what the platform has now,
-- its own ids, counters. Changes of state are fenced; the record of an attempt that happened is not.
--  $1 stage  $2 owner  $3 partitions  $4 fences  $5 writer  $6 target
--  deliveries: $7 event ids  $8 partitions  $9 generation  $10 state  $11 attempts  $12 sendings  $13 wait in ms (backoff)
--              $14 http status  $15 duration ms  $16 error  $17 covered by
--  attempts:   $18 event ids  $19 tenants  $20 generation  $21 sending  $22 began at  $23 duration ms  $24 http status
--              $25 outcome  $26 error  $27 excerpt  $28 costs
--  platforms:  $29 record ids  $30 partitions  $31 tenants  $32 certain version  $33 certain event  $34 started version
--              $35 platform's id  $36 state
--  ids:        $37 tenants  $38 entity types  $39 platform's ids  $40 record ids  $41 partitions
--  steps:      $42 of each delivery (null: those that it has stay)  $43 of each platform (null: likewise)
--  late:       of each delivery: $44 lost at  $45 overtook at  $46 fields to be asserted again, after that wait (null: none)
--              of each platform: $47 lost at  $48 lost fields
-- Answers the partitions written, and each event that ended: (partition, null) rows, then (null, event_id, status, …).
-- returns: partition int2, event_id uuid, status int2, tenant_id text, event_type text, record_id uuid
WITH held AS MATERIALIZED (
    SELECT l.partition FROM leases l JOIN unnest($3::int2[], $4::int8[]) AS o(partition, fence) USING (partition, fence)
    WHERE l.stage = $1 AND l.owner = $2 FOR KEY SHARE OF l
), outcome AS MATERIALIZED (
    SELECT o.* FROM unnest($7::uuid[], $8::int2[], $9::int2[], $10::int2[], $11::int2[], $12::int2[], $13::int8[], $14::int2[],
                           $15::int4[], $16::text[], $17::uuid[], $42::bytea[], $44::timestamptz[], $45::timestamptz[], $46::text[])
        AS o(event_id, partition, generation, state, attempts, sendings, wait_ms, http_status, duration_ms, error, covered_by,
            steps, lost_at, overtook_at, asserts)
    JOIN held USING (partition)
), before AS MATERIALIZED (
    SELECT o.*, d.state AS state_before, o.sendings > d.sendings AS sent,
        d.processed_at IS NOT NULL AS again -- an assertion: its event has counted it as delivered
    FROM outcome o JOIN deliveries d ON d.event_id = o.event_id AND d.target = $6 AND d.generation = o.generation
    WHERE d.state + 0 IN (0, 1) -- the sum keeps the planner from walking all open deliveries, by their own index, for each outcome
    ORDER BY d.event_id FOR UPDATE OF d
), done AS (
    UPDATE deliveries d SET state = CASE WHEN b.asserts IS NULL THEN b.state ELSE 1 END,
        generation = d.generation + (b.asserts IS NOT NULL)::int::int2,
        attempts = CASE WHEN b.asserts IS NULL THEN b.attempts ELSE 0 END,
        sendings = CASE WHEN b.asserts IS NULL THEN b.sendings ELSE 0 END, http_status = b.http_status,
        duration_ms = b.duration_ms, error = b.error, covered_by = b.covered_by,
        next_attempt_at = CASE WHEN b.state = 1 OR b.asserts IS NOT NULL THEN now() + make_interval(secs => b.wait_ms / 1000.0) END,
        processed_at = CASE WHEN b.state > 1 THEN now() WHEN b.again THEN d.processed_at END,
        steps = CASE WHEN b.state = 1 THEN COALESCE(b.steps, d.steps) END,
        lost_at = b.lost_at, overtook_at = b.overtook_at, asserts = COALESCE(b.asserts, d.asserts)
    FROM before b WHERE d.event_id = b.event_id AND d.target = $6
      AND d.generation = b.generation AND d.state + 0 IN (0, 1) -- as above: without it thousands are expected, where one is found
    RETURNING d.event_id, b.state, d.state AS stands, d.named, b.state_before, d.tenant_id, b.duration_ms, b.sent, b.again
), attempt AS (
    INSERT INTO sync_results (event_id, target_platform, tenant_id, generation, sending, at, duration_ms, http_status, outcome,
        error, excerpt, costs)
    SELECT a.event_id, $6, a.tenant_id, a.generation, a.sending, a.at, a.duration_ms, a.http_status, a.outcome, a.error,
        a.excerpt, a.costs
    FROM unnest($18::uuid[], $19::text[], $20::int2[], $21::int2[], $22::timestamptz[], $23::int4[], $24::int2[], $25::text[],
                $26::text[], $27::bytea[], $28::bool[])
        AS a(event_id, tenant_id, generation, sending, at, duration_ms, http_status, outcome, error, excerpt, costs)
    ON CONFLICT DO NOTHING -- recorded before, and the answer was lost; another owner's sending of that number has another `at`
), closed AS (
    SELECT event_id, state, (NOT again)::int AS counts FROM done WHERE named AND state > 1 AND (state = 5 OR NOT again)
), locked AS MATERIALIZED ( -- with what becomes of each: put together afterwards, each is compared with all the others
    -- one by one, in the order of their ids, however little the planner knows of how many there are
    SELECT e.id, e.status, c.state, c.counts FROM (SELECT * FROM closed ORDER BY event_id) c
    CROSS JOIN LATERAL (SELECT x.id, x.status FROM sync_events x WHERE x.id = c.event_id FOR UPDATE) e
), ended AS (
    UPDATE sync_events e SET open_count = e.open_count - l.counts,
        dead_count = e.dead_count + (l.state = 5)::int::int2,
        status = CASE WHEN e.open_count > l.counts THEN e.status WHEN e.dead_count + (l.state = 5)::int > 0 THEN 3 ELSE 2 END,
        processed_at = CASE WHEN e.open_count > l.counts THEN e.processed_at ELSE now() END
    FROM locked l
    WHERE e.id = l.id
    RETURNING e.id, e.status, e.tenant_id, e.event_type, e.created_at, e.record_id, l.status AS status_before
), platform AS (
    INSERT INTO record_platforms AS p (record_id, platform, tenant_id, certain_version, certain_event, started_version,
        platform_id, state, delivered_at, steps, lost_at, lost_fields, acked_versions, acked_at)
    SELECT q.record_id, $6, q.tenant_id, COALESCE(q.certain_version, 0), q.certain_event, q.started_version, q.platform_id,
        q.state, CASE WHEN q.certain_version IS NOT NULL THEN now() END, q.steps,
        q.lost_at, q.lost_fields,
        CASE WHEN q.certain_version IS NULL THEN '{}' ELSE ARRAY[q.certain_version] END,
        CASE WHEN q.certain_version IS NULL THEN '{}' ELSE ARRAY[now()] END
    FROM unnest($29::uuid[], $30::int2[], $31::text[], $32::int8[], $33::uuid[], $34::int8[], $35::text[], $36::text[],
                $43::bytea[], $47::timestamptz[], $48::text[])
        AS q(record_id, partition, tenant_id, certain_version, certain_event, started_version, platform_id, state, steps, lost_at,
            lost_fields)
        JOIN held USING (partition)
    ON CONFLICT (record_id, platform) DO UPDATE SET
        certain_version = CASE WHEN excluded.certain_event IS NULL THEN p.certain_version ELSE excluded.certain_version END,
        certain_event = COALESCE(excluded.certain_event, p.certain_event),
        started_version = greatest(p.started_version, excluded.started_version),
        platform_id = COALESCE(excluded.platform_id, p.platform_id), state = excluded.state,
        steps = CASE WHEN excluded.state <> 'deleted' THEN COALESCE(excluded.steps, p.steps) END,
        delivered_at = COALESCE(excluded.delivered_at, p.delivered_at), lost_at = excluded.lost_at,
        lost_fields = excluded.lost_fields,
        acked_versions = (excluded.acked_versions || p.acked_versions)[1:8],
        acked_at = (excluded.acked_at || p.acked_at)[1:8]
), learnt AS (
    INSERT INTO record_ids (tenant_id, entity_type, platform, platform_id, record_id)
    SELECT DISTINCT i.tenant_id, i.entity_type, $6, i.platform_id, i.record_id
    FROM unnest($37::text[], $38::text[], $39::text[], $40::uuid[], $41::int2[])
        AS i(tenant_id, entity_type, platform_id, record_id, partition) JOIN held USING (partition)
    ON CONFLICT DO NOTHING
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting, backoff, dead)
    SELECT $1, $5, sum((stands = 0)::int - (state_before = 0)::int), sum((stands = 1)::int - (state_before = 1)::int),
        sum((stands = 5)::int)
    FROM done HAVING count(*) > 0
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting,
        backoff = stage_counts.backoff + excluded.backoff, dead = stage_counts.dead + excluded.dead
), measured AS (
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, completed, failed, retried, total_ms, latency)
    SELECT date_trunc('minute', now()), $5, m.tenant_id, m.platform, m.event_type, m.completed, m.failed, m.retried, m.total_ms,
        m.latency
    FROM (
        SELECT tenant_id, '' AS platform, event_type,
            count(*) FILTER (WHERE status = 2) - count(*) FILTER (WHERE status_before = 2) AS completed,
            count(*) FILTER (WHERE status = 3) - count(*) FILTER (WHERE status_before = 3) AS failed, 0 AS retried,
            COALESCE(sum(extract(epoch FROM now() - created_at) * 1000) FILTER (WHERE status_before < 2), 0)::bigint AS total_ms,
            '{}'::int4[] AS latency
        FROM ended WHERE status IN (2, 3) GROUP BY tenant_id, event_type
        UNION ALL
        SELECT tenant_id, $6, '', count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state = 5),
            count(*) FILTER (WHERE state = 1 AND sent), COALESCE(sum(duration_ms) FILTER (WHERE state = 2), 0),
            (SELECT array_agg((SELECT count(*) FROM done x WHERE x.tenant_id = done.tenant_id AND x.state = 2
                AND x.duration_ms > CASE n WHEN 0 THEN -1 ELSE 1 << (n - 1) END
                AND (n = 17 OR x.duration_ms <= 1 << n))::int4 ORDER BY n) FROM generate_series(0, 17) AS n)
        FROM done GROUP BY tenant_id
    ) m ORDER BY m.tenant_id, m.platform, m.event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET
        completed = sync_metrics.completed + excluded.completed, failed = sync_metrics.failed + excluded.failed,
        retried = sync_metrics.retried + excluded.retried, total_ms = sync_metrics.total_ms + excluded.total_ms,
        latency = sync_add(sync_metrics.latency, excluded.latency)
)
SELECT held.partition, NULL::uuid AS event_id, NULL::int2 AS status, NULL::text AS tenant_id, NULL::text AS event_type,
    NULL::uuid AS record_id FROM held
UNION ALL
SELECT NULL, id, status, tenant_id, event_type, record_id FROM ended WHERE status > 1
