-- One heartbeat of one replica of a stage: says that it lives, keeps what it holds, gives back what it released, and takes
-- free partitions up to its fair share. Fences only rise. A lapsed lease of another is taken only when PostgreSQL has
-- answered for a whole lease: its owner must have had the chance to renew.
--  $1 stage  $2 owner  $3 partitions  $4 LEASE_SECONDS in ms: by its end others have taken over, so a lease lasts nine tenths
--  $5 held  $6 released  $7 draining  $8 ms since PostgreSQL last failed to answer this replica  $9 what it has repaired, as JSON
-- Answers a row per partition held now (partition, fence) and `share`, with partition null where none is held; in each row
-- `lapse_ms`, until the first lease of another runs out unless that one renews it, null when there is none.
-- returns: share int4, partition int2, fence int8, lapse_ms int8
WITH alive AS (
    INSERT INTO replicas (stage, owner, seen, draining, repairs) VALUES ($1, $2, now(), $7::bool, $9::text::jsonb)
    ON CONFLICT (stage, owner) DO UPDATE SET seen = now(), draining = excluded.draining, repairs = excluded.repairs
), forgotten AS (
    DELETE FROM replicas WHERE stage = $1 AND owner <> $2 AND seen < now() - make_interval(secs => $4::int8 / 100.0)
), fair AS (
    SELECT CASE WHEN $7::bool THEN 0
           ELSE ceil($3::int / (1.0 + count(*) FILTER (WHERE NOT draining AND seen >= now() - make_interval(secs => $4::int8 * 0.0009))))::int
           END AS share
    FROM replicas WHERE stage = $1 AND owner <> $2
), steady AS ( -- a beat that was held up arrives as an outage ends, before owners can renew: the one before it is long ago
    SELECT count(*) > 0 AS it FROM replicas
    WHERE stage = $1 AND owner = $2 AND seen >= now() - make_interval(secs => $4::int8 * 0.0005)
), released AS (
    UPDATE leases SET until = '-infinity', owner = NULL
    WHERE stage = $1 AND owner = $2 AND partition = ANY ($6::int2[]) RETURNING partition
), kept AS (
    UPDATE leases SET until = now() + make_interval(secs => $4::int8 * 0.0009)
    WHERE stage = $1 AND owner = $2 AND partition = ANY ($5::int2[]) RETURNING partition, fence
), free AS (
    SELECT l.partition FROM leases l, fair
    WHERE l.stage = $1 AND l.until < now() AND l.partition <> ALL ($5::int2[]) AND l.partition <> ALL ($6::int2[])
      AND (l.until = '-infinity' OR $8::int8 >= $4::int8 AND (SELECT it FROM steady)
           AND pg_postmaster_start_time() < now() - make_interval(secs => $4::int8 / 1000.0))
    ORDER BY l.partition
    LIMIT (SELECT greatest(fair.share - (SELECT count(*) FROM kept), 0) FROM fair)
    FOR UPDATE OF l SKIP LOCKED
), taken AS (
    UPDATE leases l SET owner = $2, fence = l.fence + 1, until = now() + make_interval(secs => $4::int8 * 0.0009)
    FROM free WHERE l.stage = $1 AND l.partition = free.partition RETURNING l.partition, l.fence
), mine AS (
    SELECT partition, fence FROM kept UNION ALL SELECT partition, fence FROM taken
), lapse AS (
    SELECT (extract(epoch FROM min(until) - now()) * 1000)::int8 AS ms
    FROM leases WHERE stage = $1 AND owner <> $2 AND isfinite(until) AND until >= now()
)
SELECT fair.share, mine.partition, mine.fence, lapse.ms AS lapse_ms FROM fair CROSS JOIN lapse LEFT JOIN mine ON true
