-- What of these events is still to be routed or delivered, as references: a row per event that there is, and for one that was
-- routed a row per open target; `stage` is null when nothing of it waits for the belt. $1 event ids
SELECT e.id, e.record_id, e.seq, e.partition, e.priority, e.event_type, e.trace, e.tenant_id, e.status, e.scheduled, d.target,
    CASE WHEN e.status = 0 AND NOT e.scheduled THEN 'router' ELSE 'worker-' || d.target END AS stage
FROM sync_events e
LEFT JOIN deliveries d ON d.event_id = e.id AND e.status <> 0 AND (d.state = 0 OR (d.state = 1 AND d.next_attempt_at <= now()))
WHERE e.id = ANY ($1::uuid[])
ORDER BY e.id, d.target
