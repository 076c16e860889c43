-- How conflicts were decided, step by step: by policies, by persons, field by field perhaps, and taken back.
CREATE TABLE sync_conflict_resolutions (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    conflict_id uuid NOT NULL REFERENCES sync_conflicts ON DELETE CASCADE,
    event_id    uuid,                               -- carries it to the router; null: nothing was decided, a person is waited for
    created_at  timestamptz NOT NULL DEFAULT now(),
    tenant_id   text NOT NULL,
    kind        text NOT NULL,                      -- policy, person, undo
    decided_by  text NOT NULL,
    note        text,
    rules       bytea NOT NULL                      -- per field: policy, chosen, value, why, and whether it waits
);
CREATE INDEX sync_conflict_resolutions_conflict ON sync_conflict_resolutions (conflict_id, created_at);
CREATE INDEX sync_conflicts_newest ON sync_conflicts (tenant_id, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON sync_conflict_resolutions TO sync_writer;
GRANT SELECT ON sync_conflict_resolutions TO sync_reader;
ALTER TABLE sync_conflict_resolutions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_conflict_resolutions FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    EXECUTE format('CREATE POLICY owner_all ON sync_conflict_resolutions TO %I USING (true) WITH CHECK (true)', current_user);
END
$$;
CREATE POLICY writer_all ON sync_conflict_resolutions TO sync_writer USING (true) WITH CHECK (true);
CREATE POLICY reader_tenant ON sync_conflict_resolutions FOR SELECT TO sync_reader USING
    (tenant_id = NULLIF(current_setting('sync.tenant', true), '') OR current_setting('sync.tenant', true) = '*');
