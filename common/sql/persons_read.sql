-- Users of the events behind the cursor, in order of acceptance, as far as all before has been routed; none while more than a few
-- hundred events wait for the router: what is looked for here is not urgent.
--  $1 events at most
-- Each row says how far this page goes; one without a user when there is none in it. upto null: nothing is behind the cursor.
WITH start AS MATERIALIZED (
    SELECT COALESCE((SELECT c.event_id FROM similar_cursor c), '00000000-0000-0000-0000-000000000000') AS id
), horizon AS MATERIALIZED (
    SELECT LEAST(sync_uuid_floor(now() - interval '1 second'), (SELECT e.id FROM sync_events e WHERE e.status = 0 AND NOT e.scheduled
        AND e.id > sync_uuid_floor(now() - interval '10 minutes') ORDER BY e.id LIMIT 1)) AS id
    WHERE (SELECT COALESCE(sum(waiting), 0) FROM stage_counts WHERE stage = 'router') < 300
), page AS MATERIALIZED (
    SELECT e.id, e.record_id, e.entity_type, e.status FROM horizon h CROSS JOIN LATERAL (
        SELECT e.id, e.record_id, e.entity_type, e.status FROM sync_events e
        WHERE e.id > (SELECT id FROM start) AND e.id < h.id ORDER BY e.id LIMIT $1::int) e
)
SELECT p.upto, r.id, r.tenant_id, r.data
FROM (SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS upto) p
LEFT JOIN (SELECT DISTINCT record_id FROM page WHERE entity_type = 'user' AND status IN (1, 2)) u ON true
LEFT JOIN LATERAL (SELECT * FROM records r WHERE r.id = u.record_id AND NOT r.deleted AND r.merged_into IS NULL OFFSET 0) r ON true
