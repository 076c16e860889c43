-- Records that a platform should have and did not show, of the buckets that were searched; in order of their ids.
--  $1 tenant  $2 entity type  $3 platform  $4 job  $5 buckets  $6 after this one (null: from the first)  $7 rows at most
--  $8 when the part began
SELECT r.id AS record_id, r.version, r.entity_id, p.platform_id, r.notes,
    r.updated_at > $8::timestamptz OR COALESCE(p.delivered_at > $8::timestamptz, false)
        OR EXISTS (SELECT FROM deliveries d WHERE d.record_id = r.id AND d.target = $3 AND d.state IN (0, 1)) AS moving,
    EXISTS (SELECT FROM deliveries d WHERE d.record_id = r.id AND d.target = $3 AND d.state = 5
        AND d.version > COALESCE(p.certain_version, 0)) AS dead
FROM records r
LEFT JOIN record_platforms p ON p.record_id = r.id AND p.platform = $3
WHERE r.tenant_id = $1 AND r.entity_type = $2 AND NOT r.deleted AND r.merged_into IS NULL
  AND CASE WHEN p.state = 'deleted' THEN false WHEN p.certain_version > 0 THEN true
      ELSE r.vector::jsonb ? $3 END
  AND get_byte(uuid_send(r.id), 15) = ANY ($5::int2[]) AND ($6::uuid IS NULL OR r.id > $6::uuid)
  AND NOT EXISTS (SELECT FROM verification_seen s WHERE s.job_id = $4::uuid AND s.record_id = r.id)
ORDER BY r.id LIMIT $7::int8
