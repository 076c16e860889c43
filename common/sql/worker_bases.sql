-- Versions that a platform certainly has: what the next difference is made from. $1 record ids  $2 versions  $3 their events
-- returns: record_id uuid, seq int8, data bytea
SELECT v.record_id, v.seq, v.data
FROM unnest($1::uuid[], $2::int8[], $3::uuid[]) AS w(record_id, version, event_id)
JOIN record_versions v USING (record_id, version, event_id)
WHERE v.event_id = ANY ($3::uuid[])
