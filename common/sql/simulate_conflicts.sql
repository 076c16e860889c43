-- A page of the conflicts of the last days with how policies decided them, for another set of policies to decide them again; newest
-- first. Run as a reader. $1 days  $2 entity type (null: all)  $3 only below this id (null: from the newest)  $4 rows at most
-- A page ends early when its data passes 4 MiB. What they were decided with is the record's version then, as far as it is kept.
SELECT page.id, page.tenant_id, page.entity_type, page.entity_id, page.detail, page.side_events, page.record_data, page.rules
FROM (
    SELECT found.*, sum(octet_length(detail) + octet_length(record_data)) OVER w AS bytes, row_number() OVER w AS place
    FROM (
        SELECT c.id, c.tenant_id, c.entity_type, c.entity_id, c.detail, s.rules, COALESCE(v.data, r.data) AS record_data,
            array_to_string(ARRAY(SELECT v.seq || '=' || v.event_id FROM record_versions v WHERE v.record_id = c.record_id
                AND v.version > c.version - 64 AND v.version <= c.version), ',') AS side_events
        FROM sync_conflicts c
        JOIN LATERAL (SELECT s.rules FROM sync_conflict_resolutions s WHERE s.conflict_id = c.id AND s.kind = 'policy'
            ORDER BY s.created_at LIMIT 1) s ON true
        JOIN records r ON r.id = c.record_id
        LEFT JOIN LATERAL (SELECT v.data FROM record_versions v WHERE v.record_id = c.record_id AND v.version = c.version
            LIMIT 1) v ON true
        WHERE c.created_at > now() - make_interval(days => $1::int) AND ($2::text IS NULL OR c.entity_type = $2)
          AND ($3::uuid IS NULL OR c.id < $3)
        ORDER BY c.id DESC LIMIT $4::int
    ) found WINDOW w AS (ORDER BY id DESC)
) page WHERE place = 1 OR bytes < 4194304
ORDER BY page.id DESC
