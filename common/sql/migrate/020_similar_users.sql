-- What similar users are found by, a row for each keyed hash: looked up one by one, so that a part that everybody has costs no more
-- than the few hundred that are looked at.

DROP TABLE record_features;
ALTER TABLE record_features_cursor RENAME TO similar_cursor;
CREATE TABLE similar_keys (
    key       integer NOT NULL,
    tenant_id text NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (key, tenant_id, record_id)
);
CREATE INDEX similar_keys_record ON similar_keys (record_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON similar_keys TO sync_writer;
