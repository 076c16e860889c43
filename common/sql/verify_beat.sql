-- Prolongs the lease of a verification. Answers nothing when it is not the owner's any more: it was paused, cancelled or taken.
--  $1 job  $2 owner  $3 lease in ms
UPDATE verifications SET lease_until = now() + make_interval(secs => $3::int8 / 1000.0)
WHERE id = $1::uuid AND owner = $2 AND state = 'running' RETURNING id
