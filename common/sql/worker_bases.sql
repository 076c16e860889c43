-- Versions that the next bodies are made from; `kind` says why one was asked for:
--  0  what the platform certainly has: a body is the difference from it.   $1 record ids  $2 versions  $3 their events
--  1  what the event changed: goes out whatever its value is now, because the platform may have another one.
--                                                                          $4 record ids  $5 events
--  2  what a delivery carries although its record has moved on since.      $6 record ids  $7 versions
-- returns: record_id uuid, kind int4, version int8, seq int8, event_id uuid, deleted bool, changed text, data bytea
SELECT v.record_id, 0 AS kind, v.version, v.seq, v.event_id, v.deleted, NULL::text AS changed, v.data
FROM unnest($1::uuid[], $2::int8[], $3::uuid[]) AS w(record_id, version, event_id)
JOIN record_versions v USING (record_id, version, event_id)
WHERE v.event_id = ANY ($3::uuid[])
UNION ALL
SELECT v.record_id, 1, v.version, v.seq, v.event_id, v.deleted, array_to_string(v.changed, ','), NULL
FROM unnest($4::uuid[], $5::uuid[]) AS w(record_id, event_id)
JOIN record_versions v USING (record_id, event_id)
WHERE v.event_id = ANY ($5::uuid[])
UNION ALL
SELECT v.record_id, 2, v.version, v.seq, v.event_id, v.deleted, NULL, v.data
FROM unnest($6::uuid[], $7::int8[]) AS w(record_id, version)
JOIN record_versions v USING (record_id, version)
