-- Every unfinished delivery of these records to one target, lowest version first, with what is needed to build the next body.
-- Versions, not places in the order of acceptance: a change of low priority may be routed after one that was accepted later, and
-- only the newest version holds both. Data stands only in a record's first row. What waits to be asserted is left out until it is
-- due: nothing waits for it. $1 target  $2 record ids
-- returns: event_id uuid, record_id uuid, seq int8, version int8, partition int2, priority int2, state int2, generation
-- returns: int2, attempts int2, sendings int2, named bool, waits bool, next_attempt_at timestamptz, tenant_id text,
-- returns: event_type text, entity_id text, source_platform text, user_id text, trace text, max_retries int2, created_at
-- returns: timestamptz, event_data bytea, record_version int8, record_event uuid, record_deleted bool, record_entity_id
-- returns: text, record_data bytea, record_notes bytea, certain_version int8, certain_event uuid, started_version int8,
-- returns: platform_id text, platform_state text, steps bytea, record_steps bytea, lost_at timestamptz, overtook_at
-- returns: timestamptz, asserts text, record_lost_at timestamptz, record_lost_fields text, ended bool, named_id text
WITH unfinished AS (
    SELECT d.*, row_number() OVER (PARTITION BY d.record_id ORDER BY d.version, d.seq) AS place
    FROM deliveries d WHERE d.target = $1 AND d.record_id = ANY ($2::uuid[]) AND d.state IN (0, 1)
      AND NOT (d.processed_at IS NOT NULL AND d.sendings = 0 AND d.state + 0 = 1 AND d.next_attempt_at > now())
)
SELECT d.event_id, d.record_id, d.seq, d.version, d.partition, d.priority, d.state, d.generation, d.attempts, d.sendings,
    d.named, d.next_attempt_at > now() AS waits, d.next_attempt_at, d.tenant_id,
    e.event_type, e.entity_id, e.source_platform, e.user_id, e.trace, e.max_retries, e.created_at,
    CASE WHEN d.place = 1 AND e.entity_type = '' THEN e.data END AS event_data,
    r.version AS record_version, r.event_id AS record_event, r.deleted AS record_deleted, r.entity_id AS record_entity_id,
    CASE WHEN d.place = 1 THEN r.data END AS record_data, CASE WHEN d.place = 1 THEN r.notes END AS record_notes,
    rp.certain_version, rp.certain_event, rp.started_version, rp.platform_id, rp.state AS platform_state,
    d.steps, CASE WHEN d.place = 1 THEN rp.steps END AS record_steps,
    d.lost_at, d.overtook_at, d.asserts, rp.lost_at AS record_lost_at, rp.lost_fields AS record_lost_fields,
    d.processed_at IS NOT NULL AS ended, rp.named_id
FROM unfinished d
-- LATERAL with OFFSET 0: looked up one by one through the primary keys, however little the planner knows of fresh tables.
CROSS JOIN LATERAL (SELECT * FROM sync_events e WHERE e.id = d.event_id OFFSET 0) e
LEFT JOIN LATERAL (SELECT * FROM records r WHERE r.id = d.record_id AND e.entity_type <> '' OFFSET 0) r ON true
LEFT JOIN LATERAL (SELECT * FROM record_platforms p WHERE p.record_id = d.record_id AND p.platform = $1 OFFSET 0) rp ON true
ORDER BY d.record_id, d.version, d.seq
