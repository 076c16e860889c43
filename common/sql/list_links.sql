-- Links and suggestions, newest first. Run as a reader: row-level security hides other tenants'.
--  $1 status  $2 the cursor's id: only below it  $3 one link's id  (null: not asked)  $4 rows at most
-- One row more than asked for says that something follows. pending: the event of its latest step has not been routed.
SELECT l.id, l.tenant_id, l.entity_type, l.record_id, l.other_id, l.entity_id, l.other_entity_id, l.status, l.kind, l.score, l.why,
    l.created_at, l.decided_at, l.decided_by, l.note, l.version,
    l.status IN ('linking', 'splitting') OR (l.status = 'split' AND COALESCE((SELECT e.status = 0 FROM sync_events e WHERE e.id = l.event_id), false)) AS pending
FROM record_links l
WHERE ($1::text IS NULL OR l.status = $1) AND ($2::uuid IS NULL OR l.id < $2) AND ($3::uuid IS NULL OR l.id = $3)
ORDER BY l.id DESC LIMIT $4::int + 1
