-- The brake: how many records a tenant has of a type, how many of them were changed and deleted by the minute, and whose flow is paused
-- because that was too many. Counted in the router's statement, by writer; what ended processes left is folded.
CREATE TABLE record_counts (
    tenant_id   text NOT NULL,
    entity_type text NOT NULL,
    writer      text NOT NULL,
    records     bigint NOT NULL,
    PRIMARY KEY (tenant_id, entity_type, writer)
);
INSERT INTO record_counts SELECT tenant_id, entity_type, '', count(*) FROM records WHERE NOT deleted GROUP BY tenant_id, entity_type;
CREATE TABLE change_counts (
    tenant_id   text NOT NULL,
    minute      timestamptz NOT NULL,
    entity_type text NOT NULL,
    writer      text NOT NULL,
    changed     bigint NOT NULL,                    -- records that had rested for ten minutes
    deleted     bigint NOT NULL,
    PRIMARY KEY (tenant_id, minute, entity_type, writer)
);
CREATE INDEX change_counts_minute ON change_counts (minute);
CREATE TABLE brakes (
    id          uuid PRIMARY KEY,
    tenant_id   text NOT NULL,
    entity_type text NOT NULL,
    kind        text NOT NULL,                      -- deletes (of all types), changes (of this type)
    status      text NOT NULL DEFAULT 'on',         -- on, dropping; released, dropped
    counted     bigint NOT NULL,
    records     bigint NOT NULL,                    -- that there were of the type
    created_at  timestamptz NOT NULL DEFAULT now(),
    until_seq   bigint,                             -- what was accepted before it is released uncounted, or dropped
    cancelled   bigint NOT NULL DEFAULT 0,
    ended_at    timestamptz,
    ended_by    text,
    note        text
);
CREATE UNIQUE INDEX brakes_on ON brakes (tenant_id) WHERE status IN ('on', 'dropping');
CREATE INDEX brakes_tenant ON brakes (tenant_id, created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON record_counts, change_counts, brakes TO sync_writer;
GRANT SELECT ON brakes TO sync_reader;
ALTER TABLE brakes ENABLE ROW LEVEL SECURITY;
ALTER TABLE brakes FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    EXECUTE format('CREATE POLICY owner_all ON brakes TO %I USING (true) WITH CHECK (true)', current_user);
END
$$;
CREATE POLICY writer_all ON brakes TO sync_writer USING (true) WITH CHECK (true);
CREATE POLICY reader_tenant ON brakes FOR SELECT TO sync_reader USING
    (tenant_id = NULLIF(current_setting('sync.tenant', true), '') OR current_setting('sync.tenant', true) = '*');
