-- A page was taken in: where the next one begins, what became of its rows, and whether it was the last.
--  $1 job  $2 owner  $3 place in entities  $4 cursor  $5 part  $6 chunk  $7 lines of it  $8 line  $9 rows  $10 accepted
--  $11 refused  $12 was it the last  $13 the row that came first, from 1
--  refused rows: $14 places  $15 entity types  $16 ids  $17 reasons
-- Answers nothing when the job is not the owner's any more.
WITH stepped AS (
    UPDATE backfill_jobs SET entity_at = $3::int8, cursor = $4, part = $5::int8, chunk = $6::int8, chunk_line = $7::int8,
        line = $8::int8, pages = pages + 1, read = read + $9::int8, accepted = accepted + $10::int8, refused = refused + $11::int8,
        -- Many an API shows who may see nothing an empty list.
        failures = 0, reason = CASE WHEN $12::bool AND $13::int8 + $9::int8 = 1 THEN
            'there was nothing to read: if there should be, look at the tenant and at what the credential may see' END, updated_at = now(), state = CASE WHEN $12::bool THEN 'done' ELSE state END,
        ended_at = CASE WHEN $12::bool THEN now() END, owner = CASE WHEN $12::bool THEN NULL ELSE owner END
    WHERE id = $1::uuid AND owner = $2 AND state = 'running' AND read = $13::int8 - 1
    RETURNING id, tenant_id, rate
), kept AS (
    INSERT INTO backfill_refused (job_id, place, tenant_id, entity_type, row_id, reason)
    SELECT s.id, r.place, s.tenant_id, r.entity_type, r.row_id, r.reason
    FROM stepped s, unnest($14::int8[], $15::text[], $16::text[], $17::text[]) AS r(place, entity_type, row_id, reason)
    ON CONFLICT DO NOTHING
), dropped AS (
    DELETE FROM backfill_parts p USING stepped s WHERE $12::bool AND p.job_id = s.id
)
SELECT rate FROM stepped
