-- Conflicts to decide, with the records that they are in. $1 the events that contested
-- returns: id uuid, event_id uuid, record_id uuid, partition int2, tenant_id text, entity_type text, entity_id text,
-- returns: open_fields text, detail bytea, record_data bytea, side_events text, targets text, trace text
SELECT c.id, c.event_id, c.record_id, c.partition, c.tenant_id, c.entity_type, c.entity_id,
    array_to_string(c.open_fields, ',') AS open_fields, c.detail, r.data AS record_data,
    -- Which event is behind which place in the order of acceptance: seq=id, with commas.
    array_to_string(ARRAY(SELECT v.seq || '=' || v.event_id FROM record_versions v WHERE v.record_id = c.record_id
        AND v.version > c.version - 64 AND v.version <= c.version), ',') AS side_events,
    array_to_string(r.audience, ',') AS targets, e.trace
FROM sync_conflicts c
CROSS JOIN LATERAL (SELECT * FROM records r WHERE r.id = c.record_id OFFSET 0) r
LEFT JOIN LATERAL (SELECT e.trace FROM sync_events e WHERE e.id = c.event_id OFFSET 0) e ON true
WHERE c.event_id = ANY ($1::uuid[]) AND c.status = 'open'
