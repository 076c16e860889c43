-- Before a page is asked for: is the first sync still the owner's, how many of its events are on their way (counted up to the
-- window), and the page's place in the order of acceptance.  $1 job  $2 owner  $3 window
SELECT nextval('sync_seq') AS seq, now() AS now,
    (SELECT count(*) FROM (SELECT FROM sync_events e WHERE e.backfill = $1::uuid AND e.status IN (0, 1) LIMIT $3::int8) w) AS waiting
FROM backfill_jobs WHERE id = $1::uuid AND owner = $2 AND state = 'running'
