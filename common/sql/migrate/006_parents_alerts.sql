-- What an order needs to wait for its customer and products, and what people must know.

-- Since when a delivery has been held back for a record that must be there first; what bounds the wait.
ALTER TABLE deliveries ADD COLUMN held_since timestamptz;

-- Is anything about a record still to be routed?
CREATE INDEX sync_events_unrouted ON sync_events (record_id) WHERE status = 0;

CREATE TABLE sync_alerts (
    id              uuid PRIMARY KEY,
    key             text NOT NULL,                   -- the cause: at most one alert of it is not resolved
    level           text NOT NULL,                   -- warning, error, critical
    title           text NOT NULL,
    message         text NOT NULL,
    metric_name     text,
    threshold_value double precision,
    current_value   double precision,
    platform        text,
    tenant_id       text,                            -- null: the service's own
    shared          boolean NOT NULL DEFAULT false,  -- of the service, and tells nothing of any tenant: all may read it
    status          text NOT NULL DEFAULT 'active',  -- active, acknowledged, resolved
    resolution_note text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    raised_at       timestamptz NOT NULL DEFAULT now(), -- last time
    told_at         timestamptz NOT NULL DEFAULT now(), -- last time that people were told, at most once an hour
    resolved_at     timestamptz,
    times           integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX sync_alerts_open ON sync_alerts (key) WHERE status <> 'resolved';
CREATE INDEX sync_alerts_key ON sync_alerts (key, created_at);
CREATE INDEX sync_alerts_tenant ON sync_alerts (tenant_id, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON sync_alerts TO sync_writer;
GRANT SELECT ON sync_alerts TO sync_reader;
ALTER TABLE sync_alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_alerts FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    EXECUTE format('CREATE POLICY owner_all ON sync_alerts TO %I USING (true) WITH CHECK (true)', current_user);
END
$$;
CREATE POLICY writer_all ON sync_alerts TO sync_writer USING (true) WITH CHECK (true);
CREATE POLICY reader_tenant ON sync_alerts FOR SELECT TO sync_reader USING
    (shared OR tenant_id = NULLIF(current_setting('sync.tenant', true), '') OR current_setting('sync.tenant', true) = '*');
