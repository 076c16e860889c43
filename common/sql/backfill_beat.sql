-- Prolongs the leases of an owner. Answers the first syncs that are still its own, and their rates: the others were paused,
-- cancelled or taken.  $1 owner  $2 lease in ms
UPDATE backfill_jobs SET lease_until = now() + make_interval(secs => $2::int8 / 1000.0) WHERE owner = $1 AND state = 'running'
RETURNING id, rate
