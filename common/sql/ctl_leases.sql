-- Who owns which partition of which stage, as PostgreSQL has it. $1 stage (null: all)
SELECT stage, partition, owner, fence, CASE WHEN isfinite(until) THEN until END AS until,
    owner IS NOT NULL AND until > now() AS alive
FROM leases WHERE $1::text IS NULL OR stage = $1
ORDER BY stage = 'router' DESC, stage = 'resolver', stage, partition
