-- What waits where, who owns what and how the platforms are: the whole service, so for the operator and for sums only. Counters
-- and small tables, never a scan. JSON texts are shown as they are.
SELECT COALESCE(sum(waiting), 0)::int8 AS waiting, COALESCE(sum(backoff), 0)::int8 AS backoff,
    COALESCE(sum(waiting) FILTER (WHERE stage = 'router'), 0)::int8 AS pending,
    COALESCE(sum(waiting) FILTER (WHERE stage LIKE 'worker-%'), 0)::int8 AS processing,
    EXISTS (SELECT FROM replicas WHERE stage = 'router' AND seen > now() - interval '30 seconds')
        AND EXISTS (SELECT FROM replicas WHERE stage LIKE 'worker-%' AND seen > now() - interval '30 seconds') AS active,
    -- Of each stage what its replicas have repaired on the belt since they started, too.
    (SELECT COALESCE(json_object_agg(stage, json_build_object('replicas', alive, 'draining', draining, 'repaired', (
         SELECT COALESCE(json_object_agg(kind, times ORDER BY kind), '{}') FROM (
             SELECT n.kind, sum(n.times::int8) AS times FROM replicas x, jsonb_each_text(x.repairs) AS n(kind, times)
             WHERE x.stage = r.stage AND x.seen > now() - interval '30 seconds' GROUP BY n.kind) k)) ORDER BY stage), '{}')
     FROM (SELECT stage, count(*) FILTER (WHERE NOT draining) AS alive, count(*) FILTER (WHERE draining) AS draining
           FROM replicas WHERE seen > now() - interval '30 seconds' GROUP BY stage) r)::text AS replicas,
    COALESCE(json_agg(json_build_object('stage', stage, 'waiting', waiting, 'backoff', backoff, 'dead', dead) ORDER BY stage),
             '[]')::text AS stages,
    (SELECT COALESCE(json_agg(json_build_object('stage', stage, 'partition', partition, 'owner', owner, 'fence', fence, 'until',
         to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY stage, partition), '[]')
     FROM leases WHERE owner IS NOT NULL AND isfinite(until))::text AS leases,
    -- A Retry-After that has ended is none, whoever has yet to say so; a route whose pause has ended is being probed.
    (SELECT COALESCE(json_agg(json_build_object('platform', platform, 'route', NULLIF(route, ''), 'state', state,
         'score', CASE state WHEN 'closed' THEN 1.0 WHEN 'half_open' THEN 0.5 ELSE 0.0 END, 'reason', reason, 'since', to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'until', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'last_success', to_char(seen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY platform, route), '[]')
     FROM (SELECT platform, route, reason, since, until, seen_at,
               CASE WHEN state = 'paused' AND until <= now() THEN CASE route WHEN '' THEN 'closed' ELSE 'half_open' END
                   ELSE state END AS state
           FROM platform_status) p)::text AS platforms
FROM (SELECT stage, sum(waiting)::int8 AS waiting, sum(backoff)::int8 AS backoff, sum(dead)::int8 AS dead
      FROM stage_counts GROUP BY stage) s
