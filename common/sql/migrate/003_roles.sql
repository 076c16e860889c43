-- Three roles: the owner runs migrations; sync_writer writes; sync_reader reads one tenant, named by sync.tenant within the
-- transaction ('*': all). Roles belong to the whole server, so another database may have made them already.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sync_writer', 'sync_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database's migration was faster
            END;
        END IF;
        -- Taking the role within a transaction needs membership, where the owner is no superuser. From PostgreSQL 16 on, who makes a
        -- role is a member that may not take it; the word for taking is unknown before.
        IF NOT pg_has_role(current_user, name, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) THEN
            EXECUTE format('GRANT %I TO %I', name, current_user);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO sync_writer, sync_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO sync_writer;
REVOKE INSERT, UPDATE, DELETE ON settings, schema_migrations FROM sync_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO sync_writer;
GRANT SELECT ON sync_events, deliveries, sync_results, records, record_versions, record_ids, record_platforms, sync_conflicts,
    sync_metrics, stage_counts, platform_status, leases, replicas TO sync_reader;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sync_events', 'deliveries', 'sync_results', 'records', 'record_versions', 'record_ids',
                                'record_platforms', 'sync_conflicts', 'sync_metrics'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', name, current_user);
        EXECUTE format('CREATE POLICY writer_all ON %I TO sync_writer USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY reader_tenant ON %I FOR SELECT TO sync_reader USING '
            '(tenant_id = NULLIF(current_setting(''sync.tenant'', true), '''') OR current_setting(''sync.tenant'', true) = ''*'')', name);
    END LOOP;
END
$$;
REVOKE ALL ON cross_platform_users FROM sync_writer;
