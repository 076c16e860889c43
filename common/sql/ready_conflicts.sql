-- Conflicts that wait for the resolver, as references to the events that met them: a row per stream, of partition $1 (there is
-- one priority, $2) $3 rows at most. They are few: no turns.  $4, $5: as in ready_events.sql, not needed
SELECT e.partition, 0::int2 AS priority, e.id, e.record_id, e.seq, e.event_type, e.trace, e.tenant_id, false AS more,
    NULL::text AS turn_end
FROM sync_conflicts c JOIN sync_events e ON e.id = c.event_id
JOIN unnest($1::int2[], $2::int2[], $3::int4[], $4::text[]) AS s(partition, priority, wanted, after) ON s.partition = e.partition
WHERE c.status = 'open' AND $5::int8 > 0
ORDER BY c.id LIMIT (SELECT max(w) FROM unnest($3::int4[]) AS w)
