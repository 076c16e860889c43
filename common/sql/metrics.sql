-- Counts of the last hours from the counters per minute (I10); row-level security leaves one tenant's. $1 hours
-- One row per platform; that of the events themselves has platform ''. `latency` sums the buckets of stats.h.
SELECT m.platform, m.accepted, m.completed, m.failed, m.retried, m.total_ms, m.last_done,
    ARRAY(SELECT sum(COALESCE(l.latency[place], 0))::int8
          FROM generate_series(1, 18) AS place,
               (SELECT x.latency FROM sync_metrics x
                WHERE x.platform = m.platform AND x.platform <> '' AND x.minute > now() - make_interval(hours => $1::int)) l
          GROUP BY place ORDER BY place) AS latency
FROM (
    SELECT platform, sum(accepted)::int8 AS accepted, sum(completed)::int8 AS completed, sum(failed)::int8 AS failed,
        sum(retried)::int8 AS retried, sum(total_ms)::int8 AS total_ms, max(minute) FILTER (WHERE completed > 0) AS last_done
    FROM sync_metrics WHERE minute > now() - make_interval(hours => $1::int) GROUP BY platform
) m
ORDER BY m.platform
