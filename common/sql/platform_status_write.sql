-- A change of one paused route. The row of route '' is platform_share.sql's. $1 platform  $2 route  $3 state  $4 reason  $5 wait in ms
INSERT INTO platform_status (platform, route, state, reason, since, until)
VALUES ($1, $2, $3, $4, now(), CASE WHEN $5::int8 > 0 THEN now() + make_interval(secs => $5::int8 / 1000.0) END)
ON CONFLICT (platform, credential, route) DO UPDATE SET state = excluded.state, reason = excluded.reason, until = excluded.until,
    since = CASE WHEN platform_status.state = excluded.state THEN platform_status.since ELSE now() END
