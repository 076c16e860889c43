-- Routes a batch: events, records, versions, deliveries and counters in one fenced statement. Rows of a partition whose lease
-- is no longer ours are left out; the answer names the partitions that were written. A batch that was overtaken (an event
-- cancelled in between) fails whole with SY001 and is read again.
--  $1 stage  $2 owner  $3 partitions  $4 fences  $5 writer
--  events:     $6 ids  $7 partitions  $8 status  $9 version  $10 entity id  $11 open  $12 dead  $13 error
--  records:    $14 ids  $15 partitions  $16 tenants  $17 entity types  $18 entity ids  $19 version  $20 vector  $21 deleted
--              $22 data  $23 notes
--  versions:   $24 record ids  $25 partitions  $26 event ids  $27 version  $28 seq  $29 deleted  $30 tenants  $31 source
--              $32 changed fields, with commas  $33 data  $59 made by a row of a page
--  deliveries: $34 event ids  $35 targets  $36 record ids  $37 partitions  $38 seq  $39 version  $40 priority  $41 state
--              $42 tenants  $43 error  $44 named  $76 fields that go whatever the target is thought to have (null: none)
--  conflicts:  $45 ids  $46 record ids  $47 partitions  $48 event ids  $49 tenants  $50 entity types  $51 entity ids
--              $52 types  $53 fields, with commas  $54 detail  $60 versions  $65 fields that are open still
--  $55 the events that made the records' versions, $58 the hashes of their e-mail (null: none), $61 their audiences, with commas, all
--  beside $14
--  backfills:  $56 jobs  $57 partitions, of rows that changed nothing
--  links:      $67 links  $68 partitions  $69 kinds (1 leave, 2 enter, 3 part)  $70 the next steps' events  $71 versions  $72 bodies
--              $75 notes
--              $73 number of partitions  $74 the hashes of external ids, beside $14
--  settled:    $62 events that contested  $63 partitions  $64 fields, with commas  $66 status when none is left: resolved, replaced
--  brake:      $77 records more or fewer (1, 0, -1)  $78 what counts (0 nothing, 1 changed, 2 deleted), both beside $14
--              $79 deletes at most  $80 percent of a type's records at most  $81 and so many at least
-- returns: partition int2
WITH held AS MATERIALIZED (
    SELECT l.partition FROM leases l JOIN unnest($3::int2[], $4::int8[]) AS o(partition, fence) USING (partition, fence)
    WHERE l.stage = $1 AND l.owner = $2 FOR KEY SHARE OF l
), event AS MATERIALIZED (
    SELECT e.* FROM unnest($6::uuid[], $7::int2[], $8::int2[], $9::int8[], $10::text[], $11::int2[], $12::int2[], $13::text[])
        AS e(id, partition, status, version, entity_id, open_count, dead_count, error) JOIN held USING (partition)
), routed AS (
    UPDATE sync_events s SET status = e.status, version = e.version, entity_id = e.entity_id, open_count = e.open_count,
        dead_count = e.dead_count, error = e.error, processed_at = CASE WHEN e.status > 1 THEN now() END
    FROM event e
    WHERE s.id = e.id AND s.status + 0 = 0 -- the sum keeps the planner from walking all unrouted events, by their own index, for each
    RETURNING s.id, s.status, s.tenant_id, s.event_type, s.created_at
), whole AS (
    SELECT sync_assert((SELECT count(*) FROM routed) = (SELECT count(*) FROM event), 'events changed meanwhile')
), record AS (
    INSERT INTO records (id, partition, tenant_id, entity_type, entity_id, version, vector, deleted, data, notes, event_id,
        email_hash, audience, external_hash)
    SELECT r.id, r.partition, r.tenant_id, r.entity_type, r.entity_id, r.version, r.vector, r.deleted, r.data, r.notes, r.event_id,
        r.email_hash, string_to_array(r.audience, ','), r.external_hash
    FROM unnest($14::uuid[], $15::int2[], $16::text[], $17::text[], $18::text[], $19::int8[], $20::text[], $21::bool[],
                $22::bytea[], $23::bytea[], $55::uuid[], $58::bytea[], $61::text[], $74::bytea[])
        AS r(id, partition, tenant_id, entity_type, entity_id, version, vector, deleted, data, notes, event_id, email_hash, audience, external_hash)
        JOIN held USING (partition)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, event_id = excluded.event_id, vector = excluded.vector, deleted = excluded.deleted,
        data = excluded.data, notes = excluded.notes, email_hash = excluded.email_hash, audience = excluded.audience,
        external_hash = excluded.external_hash, updated_at = now()
), version AS (
    INSERT INTO record_versions (record_id, event_id, version, seq, deleted, tenant_id, source, changed, data, page)
    SELECT v.record_id, v.event_id, v.version, v.seq, v.deleted, v.tenant_id, v.source, string_to_array(v.changed, ','), v.data,
        v.page
    FROM unnest($24::uuid[], $25::int2[], $26::uuid[], $27::int8[], $28::int8[], $29::bool[], $30::text[], $31::text[],
                $32::text[], $33::bytea[], $59::bool[])
        AS v(record_id, partition, event_id, version, seq, deleted, tenant_id, source, changed, data, page)
        JOIN held USING (partition)
), delivery AS (
    INSERT INTO deliveries (event_id, target, record_id, partition, seq, version, priority, state, tenant_id, error, named,
        asserts, processed_at)
    SELECT d.event_id, d.target, d.record_id, d.partition, d.seq, d.version, d.priority, d.state, d.tenant_id, d.error, d.named,
        d.asserts, CASE WHEN d.state > 1 THEN now() END
    FROM unnest($34::uuid[], $35::text[], $36::uuid[], $37::int2[], $38::int8[], $39::int8[], $40::int2[], $41::int2[],
                $42::text[], $43::text[], $44::bool[], $76::text[])
        AS d(event_id, target, record_id, partition, seq, version, priority, state, tenant_id, error, named, asserts)
        JOIN held USING (partition)
    RETURNING target, state
), conflict AS (
    INSERT INTO sync_conflicts (id, record_id, partition, event_id, tenant_id, entity_type, entity_id, type, status, fields,
        open_fields, detail, version)
    SELECT c.id, c.record_id, c.partition, c.event_id, c.tenant_id, c.entity_type, c.entity_id, c.type,
        CASE WHEN c.open_fields = '' THEN 'replaced' ELSE 'open' END, string_to_array(c.fields, ','),
        string_to_array(c.open_fields, ','), c.detail, c.version
    FROM unnest($45::uuid[], $46::uuid[], $47::int2[], $48::uuid[], $49::text[], $50::text[], $51::text[], $52::text[],
                $53::text[], $54::bytea[], $60::int8[], $65::text[])
        AS c(id, record_id, partition, event_id, tenant_id, entity_type, entity_id, type, fields, detail, version, open_fields)
        JOIN held USING (partition)
    RETURNING status
), settled AS (
    UPDATE sync_conflicts c SET open_fields = o.open_fields,
        status = CASE WHEN o.open_fields = '{}' THEN s.status ELSE c.status END,
        decided_at = CASE WHEN o.open_fields = '{}' THEN now() END
    FROM unnest($62::uuid[], $63::int2[], $64::text[], $66::text[]) AS s(event_id, partition, fields, status)
        JOIN held USING (partition)
        -- Locked: a person may take fields at the same time.
        CROSS JOIN LATERAL (SELECT id, status, open_fields FROM sync_conflicts b WHERE b.event_id = s.event_id FOR UPDATE) before
        CROSS JOIN LATERAL (SELECT ARRAY(SELECT unnest(before.open_fields) EXCEPT SELECT unnest(string_to_array(s.fields, ',')))
            AS open_fields) o
    WHERE c.id = before.id
    RETURNING before.status AS status_before, c.status
), stepped AS MATERIALIZED (
    SELECT sync_link_step(s.link_id, s.kind, s.next, s.version, s.body, s.notes, $73::int)
    FROM unnest($67::uuid[], $68::int2[], $69::int2[], $70::uuid[], $71::int8[], $72::bytea[], $75::bytea[])
        AS s(link_id, partition, kind, next, version, body, notes)
        JOIN held USING (partition)
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting, dead)
    SELECT stage, $5, sum(waiting), sum(dead) FROM (
        SELECT 'router' AS stage, -count(*) AS waiting, 0 AS dead FROM routed HAVING count(*) > 0
        UNION ALL
        SELECT 'resolver', count(*), 0 FROM conflict WHERE status = 'open' HAVING count(*) > 0
        UNION ALL
        SELECT 'resolver', -count(*), 0 FROM settled WHERE status_before = 'open' AND status <> 'open' HAVING count(*) > 0
        UNION ALL
        SELECT 'worker-' || target, count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 5) FROM delivery
        GROUP BY target
    ) change GROUP BY stage ORDER BY stage
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting,
        dead = stage_counts.dead + excluded.dead
), unchanged AS (
    INSERT INTO backfill_counts (job_id, writer, unchanged)
    SELECT u.job_id, $5, count(*) FROM unnest($56::uuid[], $57::int2[]) AS u(job_id, partition) JOIN held USING (partition)
    GROUP BY u.job_id ORDER BY u.job_id
    ON CONFLICT (job_id, writer) DO UPDATE SET unchanged = backfill_counts.unchanged + excluded.unchanged
), measured AS (
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, completed, failed, total_ms)
    SELECT date_trunc('minute', now()), $5, tenant_id, '', event_type, count(*) FILTER (WHERE status = 2),
        count(*) FILTER (WHERE status = 3), COALESCE(sum(extract(epoch FROM now() - created_at) * 1000), 0)::bigint
    FROM routed WHERE status IN (2, 3) GROUP BY tenant_id, event_type ORDER BY tenant_id, event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET
        completed = sync_metrics.completed + excluded.completed, failed = sync_metrics.failed + excluded.failed,
        total_ms = sync_metrics.total_ms + excluded.total_ms
), moved AS MATERIALIZED (
    SELECT r.tenant_id, r.entity_type, sum(r.delta) AS records, count(*) FILTER (WHERE r.kind = 1) AS changed,
        count(*) FILTER (WHERE r.kind = 2) AS deleted
    FROM unnest($15::int2[], $16::text[], $17::text[], $77::int2[], $78::int2[]) AS r(partition, tenant_id, entity_type, delta, kind)
        JOIN held USING (partition)
    GROUP BY r.tenant_id, r.entity_type
), recorded AS (
    INSERT INTO record_counts (tenant_id, entity_type, writer, records)
    SELECT tenant_id, entity_type, $5, records FROM moved WHERE records <> 0 ORDER BY tenant_id, entity_type
    ON CONFLICT (tenant_id, entity_type, writer) DO UPDATE SET records = record_counts.records + excluded.records
), changed AS (
    INSERT INTO change_counts (tenant_id, minute, entity_type, writer, changed, deleted)
    SELECT tenant_id, date_trunc('minute', now()), entity_type, $5, changed, deleted FROM moved WHERE changed + deleted > 0
    ORDER BY tenant_id, entity_type
    ON CONFLICT (tenant_id, minute, entity_type, writer) DO UPDATE SET changed = change_counts.changed + excluded.changed,
        deleted = change_counts.deleted + excluded.deleted
), braked AS (
    INSERT INTO brakes (id, tenant_id, entity_type, kind, counted, records)
    SELECT DISTINCT ON (m.tenant_id) gen_random_uuid(), m.tenant_id, m.entity_type,
        CASE WHEN w.deleted > $79::int8 THEN 'deletes' ELSE 'changes' END,
        CASE WHEN w.deleted > $79::int8 THEN w.deleted ELSE w.changed END, n.records
    FROM moved m
    -- Since the last brake's end: what was let go is not held against the tenant again.
    CROSS JOIN LATERAL (SELECT greatest(now() - interval '10 minutes', (SELECT date_trunc('minute', max(b.ended_at)) FROM brakes b
        WHERE b.tenant_id = m.tenant_id)) AS after) since
    CROSS JOIN LATERAL (SELECT COALESCE(sum(c.changed) FILTER (WHERE c.entity_type = m.entity_type), 0) + m.changed AS changed,
        COALESCE(sum(c.deleted), 0) + m.deleted AS deleted FROM change_counts c
        WHERE c.tenant_id = m.tenant_id AND c.minute > since.after OFFSET 0) w
    CROSS JOIN LATERAL (SELECT COALESCE(sum(c.records), 0) + m.records AS records FROM record_counts c
        WHERE c.tenant_id = m.tenant_id AND c.entity_type = m.entity_type OFFSET 0) n
    WHERE m.deleted > 0 AND w.deleted > $79::int8
        OR m.changed > 0 AND w.changed >= $81::int8 AND w.changed * 100 > $80::int8 * n.records
    ORDER BY m.tenant_id, m.entity_type
    ON CONFLICT (tenant_id) WHERE status IN ('on', 'dropping') DO NOTHING
)
SELECT held.partition FROM held, whole WHERE (SELECT count(*) FROM stepped) >= 0
