-- One conflict with how it was decided: a row per step, oldest first, the conflict's columns in each; one row with null steps when
-- nobody has tried yet. Run as a reader: row-level security hides other tenants'. $1 its id
SELECT c.id, c.tenant_id, c.entity_type, c.entity_id, c.record_id, c.event_id, c.version, c.type,
    array_to_string(CASE WHEN c.types = '{}' THEN ARRAY[c.type] ELSE c.types END, ',') AS types, c.status,
    array_to_string(c.fields, ',') AS fields, array_to_string(c.open_fields, ',') AS open_fields, c.created_at, c.decided_by,
    c.decided_at, c.confidence, c.note, c.detail,
    -- Which event is behind which place in the order of acceptance: seq=id, with commas.
    array_to_string(ARRAY(SELECT v.seq || '=' || v.event_id FROM record_versions v WHERE v.record_id = c.record_id
        AND v.version > c.version - 64 AND v.version <= c.version), ',') AS side_events,
    r.deleted AS record_deleted, r.notes AS record_notes,
    s.kind, s.event_id AS step_event, s.created_at AS step_at, s.decided_by AS step_by, s.note AS step_note, s.rules, s.policies AS step_policies,
    e.status AS step_status, made.version AS made_version, before.data AS before_data
FROM sync_conflicts c
LEFT JOIN records r ON r.id = c.record_id
LEFT JOIN sync_conflict_resolutions s ON s.conflict_id = c.id
LEFT JOIN LATERAL (SELECT e.status FROM sync_events e WHERE e.id = s.event_id) e ON true
LEFT JOIN LATERAL (SELECT v.version FROM record_versions v WHERE v.record_id = c.record_id AND v.event_id = s.event_id) made ON true
LEFT JOIN LATERAL (SELECT v.data FROM record_versions v WHERE v.record_id = c.record_id AND v.version < made.version
    ORDER BY v.version DESC LIMIT 1) before ON true
WHERE c.id = $1::uuid
ORDER BY s.created_at, s.id
