-- One step of a verification: where its part is now, what was found, and the repairs, which are events of the service. A step
-- that was done before changes nothing.
--  $1 job  $2 owner  $3 part  $4 number of the step  $5 phase  $6 cursor  $7 after  $8 sums (null: as they are)
--  $9 buckets to search (null: as they are)  $10 buckets that differ (null: not known)
--  $11 counts: pages, agreed, differing, missing, undeleted, unknown, moving, dead, contested, unreadable, compared
--  examples: $12 kinds  $13 record ids  $14 ids  $15 the platform's ids  $16 fields, with commas  $17 repairs' events  $18 kept at most
--  hashes:   $19 record ids  $20 versions  $21 contents  $22 hashes
--  seen:     $23 record ids
--  repairs:  $24 event ids  $25 record ids  $26 versions that were compared  $27 event types  $28 fields, with commas
--  $29 writer
-- Answers nothing when the job is not the owner's any more; else a row, and each repair's reference.
WITH job AS MATERIALIZED (
    SELECT v.id, v.platform FROM verifications v WHERE v.id = $1::uuid AND v.owner = $2 AND v.state = 'running' FOR UPDATE
), part AS (
    UPDATE verification_parts p SET steps = p.steps + 1, phase = $5, cursor = $6, after = $7::uuid, sums = COALESCE($8::bytea, p.sums),
        searched = COALESCE($9::int2[], p.searched), buckets_off = COALESCE($10::int8, p.buckets_off),
        pages = p.pages + ($11::int8[])[1], agreed = p.agreed + ($11::int8[])[2], differing = p.differing + ($11::int8[])[3],
        missing = p.missing + ($11::int8[])[4], undeleted = p.undeleted + ($11::int8[])[5], unknown = p.unknown + ($11::int8[])[6],
        moving = p.moving + ($11::int8[])[7], dead = p.dead + ($11::int8[])[8], contested = p.contested + ($11::int8[])[9],
        unreadable = p.unreadable + ($11::int8[])[10], compared = p.compared + ($11::int8[])[11],
        repaired = p.repaired + COALESCE(array_length($24::uuid[], 1), 0)
    FROM job WHERE p.job_id = job.id AND p.place = $3::int8 AND p.steps = $4::int8
    RETURNING p.job_id, p.place, p.tenant_id, p.entity_type, job.platform
), alive AS (
    UPDATE verifications v SET failures = 0, reason = NULL, updated_at = now() FROM part WHERE v.id = part.job_id
), example AS (
    INSERT INTO verification_examples (job_id, part, tenant_id, kind, record_id, entity_id, platform_id, fields, event_id)
    SELECT part.job_id, part.place, part.tenant_id, e.kind, e.record_id, e.entity_id, e.platform_id,
        string_to_array(e.fields, ','), e.event_id
    FROM part, unnest($12::text[], $13::uuid[], $14::text[], $15::text[], $16::text[], $17::uuid[])
        WITH ORDINALITY AS e(kind, record_id, entity_id, platform_id, fields, event_id, place)
    WHERE e.place <= $18::int8 - (SELECT count(*) FROM verification_examples k WHERE k.job_id = part.job_id AND k.part = part.place)
    ORDER BY e.place
), hashed AS (
    INSERT INTO drift_hashes AS h (record_id, platform, tenant_id, version, content, hash)
    SELECT h.record_id, part.platform, part.tenant_id, h.version, h.content, h.hash
    FROM part, unnest($19::uuid[], $20::int8[], $21::int8[], $22::int8[]) AS h(record_id, version, content, hash)
    ORDER BY h.record_id
    ON CONFLICT (record_id, platform) DO UPDATE SET version = excluded.version, content = excluded.content, hash = excluded.hash
), seen AS (
    INSERT INTO verification_seen (job_id, record_id) SELECT part.job_id, s.id FROM part, unnest($23::uuid[]) AS s(id)
    ON CONFLICT DO NOTHING
), dropped AS (
    DELETE FROM verification_seen s USING part WHERE $5 = 'done' AND s.job_id = part.job_id
), repair AS (
    INSERT INTO sync_events (id, record_id, seq, base_version, partition, priority, priority_given, max_retries, event_type,
        entity_type, entity_id, source_platform, target_platforms, tenant_id, subject, claimed, data, repairs)
    SELECT e.id, r.id, nextval('sync_seq'), e.version, r.partition, 3, 10, 3, e.event_type, r.entity_type, r.entity_id, 'service',
        ARRAY[part.platform], r.tenant_id, 'verify:' || part.job_id, true, '\x007b7d'::bytea, e.fields
    FROM part, unnest($24::uuid[], $25::uuid[], $26::int8[], $27::text[], $28::text[])
        AS e(id, record_id, version, event_type, fields)
    JOIN records r ON r.id = e.record_id
    WHERE r.tenant_id = part.tenant_id
    RETURNING id, record_id, seq, partition, event_type, trace, tenant_id
), counted AS (
    INSERT INTO stage_counts (stage, writer, waiting) SELECT 'router', $29, count(*) FROM repair HAVING count(*) > 0
    ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting
), measured AS (
    INSERT INTO sync_metrics (minute, writer, tenant_id, platform, event_type, accepted)
    SELECT date_trunc('minute', now()), $29, tenant_id, '', event_type, count(*) FROM repair
    GROUP BY tenant_id, event_type ORDER BY tenant_id, event_type
    ON CONFLICT (minute, writer, tenant_id, platform, event_type) DO UPDATE SET accepted = sync_metrics.accepted + excluded.accepted
)
SELECT id, record_id, seq, partition, event_type, trace, tenant_id FROM repair
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, tenant_id FROM part
