-- What waits before each stage and who works there, for the operator: counters and a small table, never a scan. `partitions` is of
-- the whole service.
SELECT stage, COALESCE(c.waiting, 0) AS waiting, COALESCE(c.backoff, 0) AS backoff, COALESCE(c.dead, 0) AS dead,
    COALESCE(l.owners, 0) AS owners, COALESCE(l.held, 0) AS held,
    (SELECT max(partition) + 1 FROM leases)::int4 AS partitions
FROM (SELECT stage, sum(waiting)::int8 AS waiting, sum(backoff)::int8 AS backoff, sum(dead)::int8 AS dead
      FROM stage_counts GROUP BY stage) c
FULL JOIN (SELECT stage, count(DISTINCT owner) AS owners, count(owner) AS held
           FROM (SELECT stage, CASE WHEN until > now() THEN owner END AS owner FROM leases) a GROUP BY stage) l USING (stage)
ORDER BY stage = 'router' DESC, stage = 'resolver', stage
