-- Events whose record turned out to be another one: record and partition in one fenced step, before they are published there.
--  $1 stage  $2 owner  $3 partitions  $4 fences  $5 event ids  $6 their partitions now  $7 record ids  $8 number of partitions
--  $9 the links that led there, whose ids these become (null: none, or record_ids have it)
WITH held AS (
    SELECT l.partition FROM leases l JOIN unnest($3::int2[], $4::int8[]) AS o(partition, fence) USING (partition, fence)
    WHERE l.stage = $1 AND l.owner = $2 FOR KEY SHARE OF l
), moving AS (
    SELECT m.* FROM unnest($5::uuid[], $6::int2[], $7::uuid[], $9::uuid[]) AS m(id, partition, record_id, link_id) JOIN held USING (partition)
), bound AS (
    INSERT INTO record_ids (tenant_id, entity_type, platform, platform_id, record_id, links)
    SELECT DISTINCT e.tenant_id, e.entity_type, e.source_platform, e.entity_id, m.record_id, ARRAY[m.link_id]
    FROM moving m JOIN sync_events e ON e.id = m.id WHERE m.link_id IS NOT NULL AND NOT e.claimed
    ON CONFLICT DO NOTHING
)
UPDATE sync_events e SET record_id = m.record_id, partition = sync_partition(m.record_id, $8::int)
FROM moving m
WHERE e.id = m.id AND e.status = 0
RETURNING e.id, e.partition
