-- First syncs as people see them, newest first: one, or a page of a list. Row-level security leaves one tenant's.
--  $1 job (null: a list)  $2 state (null: any)  $3 older than this one (null: from the newest)  $4 rows at most
SELECT j.id, j.tenant_id, j.platform, j.source, j.state, j.reason, j.subject, j.rate, j.as_of, j.created_at, j.started_at,
    j.updated_at, j.ended_at, j.retry_at, array_to_string(j.entities, ',') AS entities, array_to_string(j.targets, ',') AS targets,
    CASE WHEN j.source = 'list' AND j.state NOT IN ('done', 'cancelled', 'failed') THEN j.entities[j.entity_at + 1] END AS entity,
    j.line, j.parts, j.pages, j.read, j.accepted, j.refused,
    (SELECT COALESCE(sum(c.unchanged), 0)::int8 FROM backfill_counts c WHERE c.job_id = j.id) AS unchanged,
    (SELECT count(*) FROM (SELECT FROM sync_events e WHERE e.backfill = j.id AND e.status IN (0, 1) LIMIT 10000) w) AS waiting,
    CASE WHEN $1::uuid IS NOT NULL THEN (SELECT COALESCE(json_agg(json_build_object(
        CASE WHEN j.source = 'file' THEN 'line' ELSE 'row' END, r.place, 'entity_type', r.entity_type, 'entity_id', r.row_id,
        'reason', r.reason) ORDER BY r.place), '[]') FROM backfill_refused r WHERE r.job_id = j.id)::text END AS refusals
FROM backfill_jobs j
WHERE ($1::uuid IS NULL OR j.id = $1::uuid) AND ($2::text IS NULL OR j.state = $2) AND ($3::uuid IS NULL OR j.id < $3::uuid)
ORDER BY j.id DESC LIMIT $4::int8
