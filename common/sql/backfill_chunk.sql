-- The chunk of a file at a place, or the next one behind it.  $1 job  $2 part  $3 chunk
SELECT part, chunk, data FROM backfill_parts WHERE job_id = $1::uuid AND (part, chunk) >= ($2::int8, $3::int8)
ORDER BY part, chunk LIMIT 1
