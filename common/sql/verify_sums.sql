-- What a platform should have, by bucket: how many records, their ids, and their hashes where their content is known to agree with
-- the version that they have now.  $1 tenant  $2 entity type  $3 platform
SELECT b.bucket, count(*) AS records, bit_xor(b.ids) AS ids, bit_xor(COALESCE(b.hash, b.ids)) AS hash
FROM (
    SELECT get_byte(uuid_send(r.id), 15) AS bucket, ('x' || right(translate(r.id::text, '-', ''), 16))::bit(64)::int8 AS ids, h.hash
    FROM records r
    LEFT JOIN record_platforms p ON p.record_id = r.id AND p.platform = $3
    LEFT JOIN drift_hashes h ON h.record_id = r.id AND h.platform = $3 AND h.version = r.version
    WHERE r.tenant_id = $1 AND r.entity_type = $2 AND NOT r.deleted AND r.merged_into IS NULL
      AND CASE WHEN p.state = 'deleted' THEN false WHEN p.certain_version > 0 THEN true
          ELSE r.vector::jsonb ? $3 END
) b GROUP BY b.bucket
