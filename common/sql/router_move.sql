-- Events whose record turned out to be another one: record and partition in one fenced step, before they are published there.
--  $1 stage  $2 owner  $3 partitions  $4 fences  $5 event ids  $6 their partitions now  $7 record ids  $8 number of partitions
WITH held AS (
    SELECT l.partition FROM leases l JOIN unnest($3::int2[], $4::int8[]) AS o(partition, fence) USING (partition, fence)
    WHERE l.stage = $1 AND l.owner = $2 FOR KEY SHARE OF l
)
UPDATE sync_events e SET record_id = m.record_id, partition = sync_partition(m.record_id, $8::int)
FROM unnest($5::uuid[], $6::int2[], $7::uuid[]) AS m(id, partition, record_id) JOIN held USING (partition)
WHERE e.id = m.id AND e.status = 0
RETURNING e.id, e.partition
