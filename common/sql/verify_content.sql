-- Records to be compared in full.  $1 tenant  $2 record ids
SELECT r.id AS record_id, r.version, r.data, r.notes FROM records r WHERE r.id = ANY ($2::uuid[]) AND r.tenant_id || '' = $1
