-- One beat of one replica of a platform's worker: writes what all have in common if nobody was faster, and reads it with the routes
-- that are paused. $1 platform  $2 number that the document was read with  $3 the document, null: only read  $4 state
-- $5 reason, null: as before while the state stays  $6 until, in database ms; 0: none  $7 the platform answered as it should
-- Answers at least one row: `written` is the new number, null when another was faster; then `number` and `shared` are what
-- stands. A wait below zero has ended, and nobody has said since that all is well.
-- returns: written int8, number int8, shared text, now_ms int8, route text, reason text, wait_ms int8
WITH written AS (
    INSERT INTO platform_status AS p (platform, number, shared, state, reason, until, seen_at)
    SELECT $1::text, $2::int8 + 1, $3::jsonb, $4::text, $5::text,
        CASE WHEN $6::int8 > 0 THEN to_timestamp($6::int8 / 1000.0) END, CASE WHEN $7::bool THEN now() END
    WHERE $3 IS NOT NULL
    ON CONFLICT (platform, credential, route) DO UPDATE SET number = excluded.number, shared = excluded.shared,
        state = excluded.state, until = excluded.until,
        reason = COALESCE(excluded.reason, CASE WHEN p.state = excluded.state THEN p.reason END),
        since = CASE WHEN p.state = excluded.state THEN p.since ELSE now() END,
        seen_at = COALESCE(excluded.seen_at, p.seen_at)
    WHERE p.number = $2::int8
    RETURNING p.number
)
SELECT (SELECT w.number FROM written w), COALESCE(s.number, 0), s.shared::text, (extract(epoch FROM clock_timestamp()) * 1000)::int8,
    r.route, r.reason, (extract(epoch FROM r.until - now()) * 1000)::int8
FROM (SELECT) one
LEFT JOIN platform_status s ON s.platform = $1::text AND s.credential = '' AND s.route = ''
LEFT JOIN platform_status r ON r.platform = $1::text AND r.route <> '' AND r.state <> 'closed' AND r.until IS NOT NULL
