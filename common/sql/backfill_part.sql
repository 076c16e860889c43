-- A part of a file, cut into chunks of whole lines; sent again it takes the old one's place. Only while the file is being sent.
--  $1 job  $2 tenant (null: all)  $3 part  $4 chunks  $5 bytes of all parts at most
-- Answers nothing when there is no such job; else its state, and the bytes that there are with this part.
WITH job AS (
    SELECT j.id, j.tenant_id, j.state FROM backfill_jobs j
    WHERE j.id = $1::uuid AND ($2::text IS NULL OR j.tenant_id = $2) FOR UPDATE
), size AS (
    SELECT (SELECT COALESCE(sum(octet_length(p.data)), 0) FROM backfill_parts p JOIN job ON p.job_id = job.id WHERE p.part <> $3::int8)
        + (SELECT COALESCE(sum(octet_length(data)), 0) FROM unnest($4::bytea[]) AS c(data)) AS bytes
), taken AS (
    SELECT job.* FROM job, size WHERE job.state = 'uploading' AND size.bytes <= $5::int8
), kept AS (
    INSERT INTO backfill_parts (job_id, part, chunk, tenant_id, data)
    SELECT taken.id, $3::int8, place, taken.tenant_id, data FROM taken, unnest($4::bytea[]) WITH ORDINALITY AS c(data, place)
    ON CONFLICT (job_id, part, chunk) DO UPDATE SET data = excluded.data
), cut AS (
    DELETE FROM backfill_parts p USING taken
    WHERE p.job_id = taken.id AND p.part = $3::int8 AND p.chunk > COALESCE(array_length($4::bytea[], 1), 0)
), noted AS (
    UPDATE backfill_jobs j SET updated_at = now() FROM taken WHERE j.id = taken.id
)
SELECT job.state, size.bytes::int8 AS bytes FROM job, size
