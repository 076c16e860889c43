-- A step of a link, with what it needs. $1 the event
-- other_…: the younger record; nobody writes it while it is merged.
SELECT l.id, l.status, l.record_id, l.other_id, l.version, l.before, l.before_notes, l.told, l.told_by, l.kind IN ('email', 'external_id') AS by_itself,
    e.record_id AS about, e.base_version, e.id = l.event_id AS latest, y.data AS other_data, y.notes AS other_notes
FROM sync_events e JOIN record_links l ON l.id = e.link_id
LEFT JOIN LATERAL (SELECT * FROM records r WHERE r.id = l.other_id OFFSET 0) y ON true
WHERE e.id = $1
