-- Clients look their events up by the ids they chose: readers may see the keys of their tenant, and those keys that are own ids
-- are found without naming the tenant first (the operator of all tenants does not).
CREATE INDEX idempotency_keys_own_id ON idempotency_keys (key) WHERE kind = 1;
GRANT SELECT ON idempotency_keys TO sync_reader;
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    EXECUTE format('CREATE POLICY owner_all ON idempotency_keys TO %I USING (true) WITH CHECK (true)', current_user);
END
$$;
CREATE POLICY writer_all ON idempotency_keys TO sync_writer USING (true) WITH CHECK (true);
CREATE POLICY reader_tenant ON idempotency_keys FOR SELECT TO sync_reader USING
    (tenant_id = NULLIF(current_setting('sync.tenant', true), '') OR current_setting('sync.tenant', true) = '*');
