-- Policies of a tenant's own, each version as it was written; the newest holds, over the policy file. And with a conflict, which policies
-- decided it.
CREATE TABLE policy_versions (
    tenant_id   text NOT NULL,
    version     integer NOT NULL,                   -- 1, 2, …
    change      bigint NOT NULL UNIQUE,             -- in the order of committing, of all tenants: policy_changes
    text        text NOT NULL,
    author      text NOT NULL,
    note        text,
    restores    integer,                            -- the version whose text this is again
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, version)
);
CREATE TABLE policy_changes (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    number  bigint NOT NULL
);
INSERT INTO policy_changes (number) VALUES (0);
ALTER TABLE sync_conflict_resolutions ADD COLUMN policies text; -- versions of file and tenant; null: a person's decision

GRANT SELECT, INSERT ON policy_versions TO sync_writer;
GRANT SELECT, UPDATE ON policy_changes TO sync_writer;
GRANT SELECT ON policy_versions TO sync_reader;
ALTER TABLE policy_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_versions FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    EXECUTE format('CREATE POLICY owner_all ON policy_versions TO %I USING (true) WITH CHECK (true)', current_user);
END
$$;
CREATE POLICY writer_all ON policy_versions TO sync_writer USING (true) WITH CHECK (true);
CREATE POLICY reader_tenant ON policy_versions FOR SELECT TO sync_reader USING
    (tenant_id = NULLIF(current_setting('sync.tenant', true), '') OR current_setting('sync.tenant', true) = '*');
