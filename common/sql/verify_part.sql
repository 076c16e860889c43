-- The part of a verification that is under way, before its next step. Without one it is done.  $1 job  $2 owner
-- Answers nothing when the job is not the owner's any more; a null place when it is done, with what was found of each type.
WITH job AS MATERIALIZED (
    SELECT v.id FROM verifications v WHERE v.id = $1::uuid AND v.owner = $2 AND v.state = 'running' FOR UPDATE
), next AS (
    SELECT p.place FROM verification_parts p JOIN job ON p.job_id = job.id WHERE p.phase <> 'done' ORDER BY p.place LIMIT 1
), part AS (
    UPDATE verification_parts p SET began_at = COALESCE(p.began_at, now()) FROM job, next
    WHERE p.job_id = job.id AND p.place = next.place
    RETURNING p.*
), ended AS (
    UPDATE verifications v SET state = 'done', ended_at = now(), updated_at = now(), owner = NULL, reason = NULL FROM job
    WHERE v.id = job.id AND NOT EXISTS (SELECT FROM next)
    RETURNING v.id
), found AS (
    SELECT f.entity_type, sum(f.agreed)::int8 AS agreed, sum(f.differing + f.missing + f.undeleted)::int8 AS differing
    FROM verification_parts f JOIN ended ON f.job_id = ended.id GROUP BY f.entity_type
)
SELECT p.place, p.tenant_id, p.entity_type, p.phase, p.cursor, p.after, p.steps, p.sums, p.searched, p.began_at, now() AS now,
    NULL::int8 AS agreed, NULL::int8 AS differing FROM part p
UNION ALL
SELECT NULL, NULL, f.entity_type, NULL, NULL, NULL, NULL, NULL, NULL, NULL, now(), f.agreed, f.differing
FROM ended LEFT JOIN found f ON true
