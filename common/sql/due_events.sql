-- Scheduled events whose time has come draw their place in the order now.
--  $1 stage  $2 owner  $3 partitions  $4 their fences  $5 rows at most
-- returns: partition int2, priority int2, id uuid, record_id uuid, seq int8, event_type text, trace text, tenant_id text
WITH held AS (
    SELECT l.partition FROM leases l JOIN unnest($3::int2[], $4::int8[]) AS o(partition, fence) USING (partition, fence)
    WHERE l.stage = $1 AND l.owner = $2 FOR KEY SHARE OF l
), due AS (
    SELECT e.id FROM sync_events e JOIN held USING (partition)
    WHERE e.status = 0 AND e.scheduled AND e.deliver_at <= now()
    ORDER BY e.deliver_at, e.seq LIMIT $5::int FOR UPDATE OF e SKIP LOCKED
)
UPDATE sync_events e SET scheduled = false, seq = nextval('sync_seq') FROM due WHERE e.id = due.id
RETURNING e.partition, e.priority, e.id, e.record_id, e.seq, e.event_type, e.trace, e.tenant_id
