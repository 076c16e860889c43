-- The record that an event would be about, what each platform has of it, and the versions these are. Run as a reader: row-level
-- security hides other tenants' records.
--  $1 tenant  $2 entity type  $3 source platform  $4 entity id  $5 record id as hashed  $6 record id that the data names, or null
-- A row per platform that has had the record; one with a null platform when none has; record_version is null when there is none.
WITH found AS (
    SELECT COALESCE(
        (SELECT r.id FROM records r WHERE r.id = $6::uuid AND r.tenant_id = $1 AND r.entity_type = $2),
        (SELECT i.record_id FROM record_ids i
         WHERE i.tenant_id = $1 AND i.entity_type = $2 AND i.platform = $3 AND i.platform_id = $4),
        $5::uuid) AS id
)
SELECT found.id AS record_id, r.version AS record_version, r.vector AS record_vector, r.deleted AS record_deleted,
    r.data AS record_data, r.notes AS record_notes, r.entity_id AS record_entity_id,
    p.platform, p.certain_version, p.platform_id, p.state = 'deleted' AS deleted_there, v.data AS base_data, v.seq AS base_seq
FROM found
LEFT JOIN records r ON r.id = found.id AND r.tenant_id = $1
LEFT JOIN record_platforms p ON p.record_id = r.id
LEFT JOIN record_versions v ON v.record_id = p.record_id AND v.version = p.certain_version AND v.event_id = p.certain_event
