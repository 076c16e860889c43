-- What a person wants of a first sync: another state, another rate.
--  $1 job  $2 tenant (null: all)  $3 state: paused, running, cancelled (null: as it is)  $4 rate (null: as it is)
--  $5 parts that its file has (null: not said)
-- Answers nothing when there is no such job; else the state it was in, the parts that are there, and whether it was changed.
WITH job AS MATERIALIZED (
    SELECT j.id, j.state, j.source,
        (SELECT count(DISTINCT p.part) FROM backfill_parts p WHERE p.job_id = j.id) AS have,
        (SELECT COALESCE(max(p.part), 0) FROM backfill_parts p WHERE p.job_id = j.id) AS last
    FROM backfill_jobs j WHERE j.id = $1::uuid AND ($2::text IS NULL OR j.tenant_id = $2) FOR UPDATE
), allowed AS (
    SELECT * FROM job WHERE state IN ('uploading', 'waiting', 'running', 'paused')
    AND NOT (state = 'uploading' AND COALESCE($3, '') = 'paused')
    -- A file that is started is whole: parts 1 to the last one, as many as were announced.
    AND NOT (state = 'uploading' AND COALESCE($3, '') = 'running' AND (have = 0 OR have <> last OR have <> COALESCE($5::int8, have)))
), changed AS (
    UPDATE backfill_jobs j SET updated_at = now(), rate = COALESCE($4::int8, j.rate),
        state = CASE WHEN $3 IN ('paused', 'cancelled') THEN $3
                     WHEN $3 = 'running' AND j.state <> 'running' THEN 'waiting' ELSE j.state END,
        parts = CASE WHEN $3 = 'running' AND j.state = 'uploading' THEN a.have ELSE j.parts END,
        -- Who runs it meanwhile learns by its next step that it is not its own any more.
        owner = CASE WHEN $3 IN ('paused', 'cancelled') THEN NULL ELSE j.owner END,
        retry_at = CASE WHEN $3 IS NULL THEN j.retry_at END,
        failures = CASE WHEN $3 IS NULL THEN j.failures ELSE 0 END,
        reason = CASE WHEN $3 IS NULL THEN j.reason END,
        ended_at = CASE WHEN $3 = 'cancelled' THEN now() END
    FROM allowed a WHERE j.id = a.id
    RETURNING j.id
), dropped AS (
    DELETE FROM backfill_parts p USING changed c WHERE $3 = 'cancelled' AND p.job_id = c.id
)
SELECT job.state, job.have, job.last::int8 AS last, EXISTS (SELECT FROM changed) AS changed FROM job
