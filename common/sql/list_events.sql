-- A page of events, newest first, and how many there are (counted up to 10,001). Run as a reader. A page ends early when its
-- data passes 4 MiB; `more` says whether anything follows. With no event on the page there is one row with a null id.
--  $1 tenant (null: all)  $2 status as shown  $3 event type  $4 source  $5 target  $6 entity id  $7 lowest id
--  $8 the first id that is too high  $9 the cursor's id: only below it  $10 rows at most  $11 offset  (null: not asked)
WITH matching AS NOT MATERIALIZED (
    SELECT * FROM sync_events e
    WHERE ($1::text IS NULL OR e.tenant_id = $1)
      AND CASE $2::text
          WHEN 'pending' THEN e.status = 0 AND NOT e.scheduled
          WHEN 'scheduled' THEN e.status = 0 AND e.scheduled
          WHEN 'failed' THEN e.status = 3 OR (e.status = 1 AND e.dead_count > 0)
          WHEN 'retry' THEN e.status = 1 AND e.dead_count = 0 AND EXISTS (
              SELECT FROM deliveries d WHERE d.event_id = e.id AND d.named AND d.state = 1 AND d.processed_at IS NULL)
          WHEN 'processing' THEN e.status = 1 AND e.dead_count = 0 AND NOT EXISTS (
              SELECT FROM deliveries d WHERE d.event_id = e.id AND d.named AND d.state = 1 AND d.processed_at IS NULL)
              OR e.status = 2 AND e.id = ANY (ARRAY(SELECT c.event_id FROM sync_conflicts c
                  WHERE ($1 IS NULL OR c.tenant_id = $1) AND c.status IN ('open', 'deciding')))
          -- Arrays: what is open is little, and is looked up once.
          WHEN 'completed' THEN e.status = 2 AND e.id <> ALL (ARRAY(SELECT c.event_id FROM sync_conflicts c
              WHERE ($1 IS NULL OR c.tenant_id = $1) AND c.status IN ('open', 'deciding', 'waiting')))
          WHEN 'conflict' THEN e.status = 2 AND e.id = ANY (ARRAY(SELECT c.event_id FROM sync_conflicts c
              WHERE ($1 IS NULL OR c.tenant_id = $1) AND c.status = 'waiting'))
          WHEN 'cancelled' THEN e.status = 4
          WHEN 'expired' THEN e.status = 5
          ELSE $2 IS NULL END
      AND ($3::text IS NULL OR e.event_type = $3) AND ($4::text IS NULL OR e.source_platform = $4)
      AND ($5::text IS NULL OR $5 = ANY (e.target_platforms)) AND ($6::text IS NULL OR e.entity_id = $6)
      AND ($7::uuid IS NULL OR e.id >= $7) AND ($8::uuid IS NULL OR e.id < $8)
), page AS (
    SELECT e.*, row_number() OVER w AS place, sum(octet_length(e.data)) OVER w - octet_length(e.data) AS bytes_before
    FROM (
        SELECT * FROM matching m WHERE $9::uuid IS NULL OR m.id < $9
        ORDER BY m.id DESC LIMIT $10::int + 1 OFFSET $11::int
    ) e WINDOW w AS (ORDER BY e.id DESC)
), shown AS (
    SELECT * FROM page WHERE place <= $10::int AND (place = 1 OR bytes_before < 4194304)
), counted AS (
    SELECT count(*) AS total FROM (SELECT FROM matching LIMIT 10001) every
)
SELECT c.total, (SELECT count(*) FROM page) > (SELECT count(*) FROM shown) AS more,
    e.id, e.client_id, e.event_type, e.entity_type, e.entity_id, e.record_id, e.source_platform, e.target_platforms,
    e.tenant_id, e.user_id, e.subject, e.priority_given, e.max_retries, e.status, e.scheduled, e.dead_count, e.seq, e.version,
    e.base_version, e.trace, e.caused_by, e.error, e.created_at, e.occurred_at, e.deliver_at, e.expires_at, e.processed_at,
    t.repeats, t.waits, t.target_error, e.data,
    (SELECT x.status FROM sync_conflicts x WHERE x.event_id = e.id AND x.status IN ('open', 'deciding', 'waiting')) AS conflict
FROM counted c LEFT JOIN shown e ON true
LEFT JOIN LATERAL (
    SELECT COALESCE(max(greatest(o.attempts - 1, 0)), 0)::int4 AS repeats, COALESCE(bool_or(o.state = 1 AND o.processed_at IS NULL), false) AS waits,
        min(o.target || ': ' || o.error) FILTER (WHERE o.state = 5) AS target_error
    FROM deliveries o WHERE o.event_id = e.id AND o.named
) t ON true
ORDER BY e.id DESC
