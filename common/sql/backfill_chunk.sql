-- The chunk of a file at a place, or the next one behind it; is it the last?  $1 job  $2 part  $3 chunk
SELECT p.part, p.chunk, p.data,
    NOT EXISTS (SELECT FROM backfill_parts n WHERE n.job_id = p.job_id AND (n.part, n.chunk) > (p.part, p.chunk)) AS last
FROM backfill_parts p WHERE p.job_id = $1::uuid AND (p.part, p.chunk) >= ($2::int8, $3::int8)
ORDER BY p.part, p.chunk LIMIT 1
