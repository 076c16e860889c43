-- Rows of writers become one row of their stage: each process that ever ran has left one. Sums stay exact: whoever writes
-- meanwhile waits for this and begins a new row. Apart from maintain.sql, which may hold tables while it waits for others.
-- Likewise how many records there are; what the brake counted by the minute is needed for ten of them.
WITH records_gone AS (
    DELETE FROM record_counts WHERE writer <> '' RETURNING tenant_id, entity_type, records
), records_kept AS (
    INSERT INTO record_counts (tenant_id, entity_type, writer, records)
    SELECT tenant_id, entity_type, '', sum(records) FROM records_gone GROUP BY tenant_id, entity_type ORDER BY tenant_id, entity_type
    ON CONFLICT (tenant_id, entity_type, writer) DO UPDATE SET records = record_counts.records + excluded.records
), changes_gone AS (
    DELETE FROM change_counts WHERE minute < now() - interval '1 hour'
), brakes_gone AS (
    DELETE FROM brakes WHERE ended_at < now() - interval '90 days'
), gone AS (
    DELETE FROM stage_counts WHERE writer <> '' RETURNING stage, waiting, backoff, dead
)
INSERT INTO stage_counts (stage, writer, waiting, backoff, dead)
SELECT stage, '', sum(waiting), sum(backoff), sum(dead) FROM gone GROUP BY stage ORDER BY stage
ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting,
    backoff = stage_counts.backoff + excluded.backoff, dead = stage_counts.dead + excluded.dead
