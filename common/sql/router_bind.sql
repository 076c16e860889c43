-- New users of a batch whose e-mail, or external id, is exactly one other live record's: their ids are bound there, unless the platform
-- has that record already. Fenced as router_write.sql. Answers the events that are to be read again.
--  $1 stage  $2 owner  $3 partitions  $4 fences
--  $5 events  $6 partitions  $7 tenants  $8 platforms  $9 entity ids  $10 records as hashed  $11 hashes of e-mails  $12 of external ids
--  $13 ids for the links
-- returns: event_id uuid
WITH held AS MATERIALIZED (
    SELECT l.partition FROM leases l JOIN unnest($3::int2[], $4::int8[]) AS o(partition, fence) USING (partition, fence)
    WHERE l.stage = $1 AND l.owner = $2 FOR KEY SHARE OF l
), hit AS MATERIALIZED ( -- mostly nobody: everything else is asked of these alone. Nine of a hash at most: it may be everybody's.
    SELECT n.*, r.id, r.external_hash AS held FROM unnest($5::uuid[], $6::int2[], $7::text[], $8::text[], $9::text[], $10::uuid[],
        $11::bytea[], $12::bytea[], $13::uuid[]) WITH ORDINALITY AS n(event_id, partition, tenant_id, platform, entity_id, record_id,
        email_hash, external_hash, link_id, place)
    CROSS JOIN LATERAL (
        (SELECT e.* FROM records e WHERE e.tenant_id = n.tenant_id AND e.email_hash = n.email_hash LIMIT 9)
        UNION ALL
        (SELECT e.* FROM records e WHERE e.tenant_id = n.tenant_id AND e.external_hash = n.external_hash LIMIT 9)) r
    WHERE r.entity_type = 'user' AND NOT r.deleted AND r.merged_into IS NULL AND r.id <> n.record_id
), met AS MATERIALIZED (
    SELECT DISTINCT ON (m.tenant_id, m.platform, m.entity_id) m.* FROM (
        SELECT h.event_id, h.partition, h.tenant_id, h.platform, h.entity_id, h.record_id, h.link_id, h.place,
            -- One by external id, who is also the one by e-mail, if any; else one by e-mail, unless both have an external id.
            CASE WHEN count(DISTINCT h.id) = 1 AND bool_or(h.held = h.external_hash) THEN 'external_id'
                WHEN count(DISTINCT h.id) = 1 AND (h.external_hash IS NULL OR bool_and(h.held IS NULL)) THEN 'email' END AS kind,
            min(h.id::text)::uuid AS target
        FROM hit h JOIN held USING (partition)
        GROUP BY h.event_id, h.partition, h.tenant_id, h.platform, h.entity_id, h.record_id, h.link_id, h.place, h.external_hash) m
    WHERE m.kind IS NOT NULL ORDER BY m.tenant_id, m.platform, m.entity_id, m.place
), free AS MATERIALIZED ( -- by itself: what binds is not to be called before all of it is known
    SELECT m.* FROM met m
    CROSS JOIN LATERAL (SELECT r.vector FROM records r WHERE r.id = m.target OFFSET 0) r
    WHERE NOT r.vector::jsonb ? m.platform
      AND NOT EXISTS (SELECT FROM record_ids i WHERE i.record_id = m.target AND i.platform = m.platform)
      AND NOT EXISTS (SELECT FROM deliveries d WHERE d.record_id = m.target AND d.target = m.platform AND d.state IN (0, 1))
)
SELECT m.event_id FROM free m WHERE sync_link_bind(m.link_id, m.target, m.record_id, 'user', m.entity_id, m.platform, m.event_id, m.kind)
