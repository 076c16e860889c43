-- Records are found by e-mail through a keyed hash (lookup.h), which the router fills in whenever it writes a record; null where
-- there is none. Records of before get theirs with their next change.

ALTER TABLE records ADD COLUMN email_hash bytea;
CREATE INDEX records_email ON records (tenant_id, email_hash) WHERE email_hash IS NOT NULL;
