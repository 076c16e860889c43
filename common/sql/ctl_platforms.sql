-- Every platform and each route that is paused or being probed. A Retry-After that has ended is none, whoever has yet to say so.
SELECT platform, NULLIF(route, '') AS route,
    CASE WHEN state = 'paused' AND until <= now() THEN CASE route WHEN '' THEN 'closed' ELSE 'half_open' END ELSE state END AS state,
    reason, since, until, seen_at AS last_success
FROM platform_status
WHERE route = '' OR state <> 'closed'
ORDER BY platform, route
