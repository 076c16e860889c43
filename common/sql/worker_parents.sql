-- Where the parents of some works are: their records, and whether they are still on their way to the target, which has not got
-- them yet: a delivery that is unfinished, or an event that is accepted and not routed. What waits for one is noted with the
-- time that it began to.
--  $1 target  $2 lead events of the works  $3 their records
--  parents: $4 place of the work, from 1  $5 entity types  $6 ids  $7 platforms that the ids come from (null: not known)
--           $8 tenants  $9 record ids by their hash  $10 may wait for it
-- One row per parent, in their order; held_ms: how long the work has waited so far, null where it waits for nothing.
-- returns: record_id uuid, on_way bool, held_ms int8
WITH named AS MATERIALIZED (
    SELECT p.work, p.may_wait, p.place, COALESCE((
        SELECT l.record_id FROM record_ids l WHERE l.tenant_id = p.tenant_id AND l.entity_type = p.entity_type
            AND l.platform = p.origin AND l.platform_id = p.id), p.hashed_id) AS record_id
    FROM unnest($4::int4[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::bool[]) WITH ORDINALITY
        AS p(work, entity_type, id, origin, tenant_id, hashed_id, may_wait, place)
), parent AS MATERIALIZED (
    SELECT n.work, n.may_wait, n.place,
        COALESCE((SELECT r.merged_into FROM records r WHERE r.id = n.record_id), n.record_id) AS record_id
    FROM named n
), found AS MATERIALIZED (
    SELECT p.work, p.place, p.record_id, p.may_wait
        AND COALESCE((SELECT NOT r.deleted FROM records r WHERE r.id = p.record_id), true)
        AND COALESCE((SELECT h.certain_version = 0 OR h.state = 'deleted' FROM record_platforms h
            WHERE h.record_id = p.record_id AND h.platform = $1), true)
        AND (COALESCE((SELECT true FROM deliveries d
                WHERE d.record_id = p.record_id AND d.target = $1 AND d.state IN (0, 1) LIMIT 1), false)
            OR COALESCE((SELECT true FROM sync_events e WHERE e.record_id = p.record_id AND e.status = 0 AND NOT e.scheduled
                AND $1 = ANY (e.target_platforms) AND e.source_platform <> $1 LIMIT 1), false)) AS on_way
    FROM parent p
), waiting AS MATERIALIZED (
    SELECT w.place AS work, w.event_id, (SELECT min(d.held_since) FROM deliveries d
        WHERE d.record_id = w.record_id AND d.target = $1 AND d.state IN (0, 1)) AS since
    FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS w(event_id, record_id, place)
    WHERE EXISTS (SELECT FROM found f WHERE f.work = w.place AND f.on_way)
), noted AS (
    UPDATE deliveries d SET held_since = now() FROM waiting w
    WHERE w.since IS NULL AND d.event_id = w.event_id AND d.target = $1 AND d.state + 0 IN (0, 1)
)
SELECT f.record_id, f.on_way, CASE WHEN f.on_way THEN (
    SELECT COALESCE(extract(epoch FROM now() - w.since) * 1000, 0)::int8 FROM waiting w WHERE w.work = f.work) END AS held_ms
FROM found f ORDER BY f.place
