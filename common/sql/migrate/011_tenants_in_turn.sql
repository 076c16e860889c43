-- What waits is found by tenant, so that a turn of all tenants is read without reading one's backlog; and of what has ended its
-- back-off, what was never sent apart from repeats, which get a tenth of the window.
DROP INDEX sync_events_ready;
CREATE INDEX sync_events_ready ON sync_events (partition, priority, tenant_id, seq) WHERE status = 0 AND NOT scheduled;
DROP INDEX deliveries_ready;
CREATE INDEX deliveries_ready ON deliveries (target, partition, priority, tenant_id, seq) WHERE state = 0;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (target, partition, least(sendings, 1::smallint), next_attempt_at) WHERE state = 1;
