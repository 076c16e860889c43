-- Every platform and paused route. A pause that has ended is none, whoever has yet to say so.
SELECT platform, NULLIF(route, '') AS route, CASE WHEN state = 'paused' AND until <= now() THEN 'closed' ELSE state END AS state,
    reason, since, until, seen_at AS last_success
FROM platform_status
WHERE route = '' OR (state <> 'closed' AND (until IS NULL OR until > now()))
ORDER BY platform, route
