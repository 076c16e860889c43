-- A new first sync, with its file when that came along; refused when the tenant has too many unfinished ones, or one that reads
-- one of the same lists.
--  $1 id  $2 tenant  $3 platform  $4 source  $5 state  $6 entities, with commas  $7 targets, with commas ("": all others)
--  $8 rate  $9 as of (of a file; null: now)  $10 subject  $11 unfinished ones at most  $12 parts  $13 chunks of part 1
-- Answers how many are unfinished, which one reads the same lists, and whether it was made.
WITH unfinished AS (
    SELECT count(*) AS jobs, min(j.id::text) FILTER (WHERE $4 = 'list' AND j.source = 'list' AND j.platform = $3
                                                     AND j.entities && string_to_array($6, ',')) AS same
    FROM backfill_jobs j WHERE j.tenant_id = $2 AND j.state IN ('uploading', 'waiting', 'running', 'paused')
), made AS (
    INSERT INTO backfill_jobs (id, tenant_id, platform, source, state, entities, targets, rate, as_of, subject, parts,
        snapshot_seq)
    SELECT $1::uuid, $2, $3, $4, $5, string_to_array($6, ','), string_to_array($7, ','), $8::int8, COALESCE($9::timestamptz, now()),
        $10, $12::int8,
        -- The place in the order of acceptance at that time: of the last event accepted before.
        CASE WHEN $4 = 'list' THEN NULL WHEN $9::timestamptz IS NULL THEN nextval('sync_seq') ELSE COALESCE((
            SELECT seq FROM sync_events WHERE id < sync_uuid_floor($9::timestamptz) ORDER BY id DESC LIMIT 1), 0) END
    FROM unfinished WHERE jobs < $11::int8 AND same IS NULL
    RETURNING id
), kept AS (
    INSERT INTO backfill_parts (job_id, part, chunk, tenant_id, data)
    SELECT made.id, 1, place, $2, data FROM made, unnest($13::bytea[]) WITH ORDINALITY AS c(data, place)
)
SELECT u.jobs, u.same, EXISTS (SELECT FROM made) AS made FROM unfinished u
