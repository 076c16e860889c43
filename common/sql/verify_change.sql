-- What a person wants of a verification: paused, running (on at once), cancelled.  $1 job  $2 tenant (null: all)  $3 state
-- Answers nothing when there is no such job; else the state it was in, and whether it was changed.
WITH job AS MATERIALIZED (
    SELECT v.id, v.state FROM verifications v WHERE v.id = $1::uuid AND ($2::text IS NULL OR v.tenant_id = $2) FOR UPDATE
), changed AS (
    UPDATE verifications v SET updated_at = now(), failures = 0, retry_at = NULL, reason = NULL,
        state = CASE WHEN $3 = 'running' AND v.state <> 'running' THEN 'waiting' ELSE $3 END,
        -- Who runs it meanwhile learns by its next statement that it is not its own any more.
        owner = CASE WHEN $3 = 'running' THEN v.owner END, resumed = v.resumed OR $3 = 'running',
        ended_at = CASE WHEN $3 = 'cancelled' THEN now() END
    FROM job WHERE v.id = job.id AND job.state IN ('waiting', 'running', 'paused')
    RETURNING v.id
), dropped AS (
    DELETE FROM verification_seen s USING changed c WHERE $3 = 'cancelled' AND s.job_id = c.id
)
SELECT job.state, EXISTS (SELECT FROM changed) AS changed FROM job
