-- New users of a batch whose e-mail, or external id, is exactly one other live record's: their ids are bound there, unless the platform
-- has that record already. Fenced as router_write.sql. Answers the events that are to be read again.
--  $1 stage  $2 owner  $3 partitions  $4 fences
--  $5 events  $6 partitions  $7 tenants  $8 platforms  $9 entity ids  $10 records as hashed  $11 hashes of e-mails  $12 of external ids
--  $13 ids for the links
-- returns: event_id uuid
WITH held AS MATERIALIZED (
    SELECT l.partition FROM leases l JOIN unnest($3::int2[], $4::int8[]) AS o(partition, fence) USING (partition, fence)
    WHERE l.stage = $1 AND l.owner = $2 FOR KEY SHARE OF l
), fresh AS MATERIALIZED (
    SELECT DISTINCT ON (n.tenant_id, n.platform, n.entity_id) n.* FROM unnest($5::uuid[], $6::int2[], $7::text[], $8::text[], $9::text[],
        $10::uuid[], $11::bytea[], $12::bytea[], $13::uuid[]) WITH ORDINALITY AS n(event_id, partition, tenant_id, platform, entity_id,
        record_id, email_hash, external_hash, link_id, place) JOIN held USING (partition)
    ORDER BY n.tenant_id, n.platform, n.entity_id, n.place
), met AS MATERIALIZED (
    SELECT n.*, COALESCE(x.id, m.id) AS target, CASE WHEN x.id IS NULL THEN 'email' ELSE 'external_id' END AS kind
    FROM fresh n
    -- Nine of a hash at most: it may be everybody's.
    LEFT JOIN LATERAL (SELECT min(c.id::text)::uuid AS id FROM (SELECT * FROM records r WHERE r.tenant_id = n.tenant_id
            AND r.external_hash = n.external_hash LIMIT 9) c
        WHERE c.entity_type = 'user' AND NOT c.deleted AND c.merged_into IS NULL AND c.id <> n.record_id HAVING count(*) = 1) x ON true
    LEFT JOIN LATERAL (SELECT min(c.id::text)::uuid AS id FROM (SELECT * FROM records r WHERE r.tenant_id = n.tenant_id
            AND r.email_hash = n.email_hash LIMIT 9) c
        WHERE c.entity_type = 'user' AND NOT c.deleted AND c.merged_into IS NULL AND c.id <> n.record_id
        HAVING count(*) = 1 AND (n.external_hash IS NULL OR count(c.external_hash) = 0)) m ON true
    WHERE (x.id IS NULL OR m.id IS NULL OR x.id = m.id) AND COALESCE(x.id, m.id) IS NOT NULL
), free AS MATERIALIZED ( -- by itself: what binds is not to be called before all of it is known
    SELECT m.* FROM met m
    CROSS JOIN LATERAL (SELECT r.vector FROM records r WHERE r.id = m.target OFFSET 0) r
    WHERE NOT r.vector::jsonb ? m.platform
      AND NOT EXISTS (SELECT FROM record_ids i WHERE i.record_id = m.target AND i.platform = m.platform)
      AND NOT EXISTS (SELECT FROM deliveries d WHERE d.record_id = m.target AND d.target = m.platform AND d.state IN (0, 1))
)
SELECT m.event_id FROM free m WHERE sync_link_bind(m.link_id, m.target, m.record_id, 'user', m.entity_id, m.platform, m.event_id, m.kind)
