-- The last 24 hours in one row, from the counters per minute (I10); row-level security leaves one tenant's.
SELECT COALESCE(sum(completed) FILTER (WHERE platform = ''), 0)::int8 AS completed,
    greatest(COALESCE(sum(failed) FILTER (WHERE platform = ''), 0), 0)::int8 AS failed,
    COALESCE(sum(total_ms) FILTER (WHERE platform = ''), 0)::int8 AS total_ms,
    COALESCE(sum(failed + retried) FILTER (WHERE platform <> ''), 0)::int8 AS errors,
    COALESCE(sum(failed) FILTER (WHERE platform <> ''), 0)::int8 AS critical
FROM sync_metrics WHERE minute > now() - interval '24 hours'
