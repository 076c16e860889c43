-- No step now: the verification is left to whoever looks when its time has come, or to a person.
--  $1 job  $2 owner  $3 state: running, paused, failed  $4 reason  $5 ms until the next try (null: none)
UPDATE verifications SET state = $3, reason = $4, failures = failures + ($4 IS NOT NULL)::int, owner = NULL, updated_at = now(),
    retry_at = now() + make_interval(secs => $5::int8 / 1000.0), ended_at = CASE WHEN $3 = 'failed' THEN now() END
WHERE id = $1::uuid AND owner = $2 AND state = 'running'
