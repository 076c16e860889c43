-- First sync: durable jobs that read a platform's list, or a file, and feed its rows in as events of low priority. An event that
-- is a row of a page carries the place in the order of acceptance that was drawn before the page was asked for.

ALTER TABLE sync_events
    ADD COLUMN snapshot_seq bigint,                -- null: a live change; decides instead of seq what a row of a page may change
    ADD COLUMN backfill     uuid;                  -- the job whose row this is
-- What of a job is on its way: bounded by its window, and without rows for all other events.
CREATE INDEX sync_events_backfill ON sync_events (backfill) WHERE backfill IS NOT NULL AND status IN (0, 1);

CREATE TABLE backfill_jobs (
    id           uuid PRIMARY KEY,                 -- UUIDv7 in database time
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    ended_at     timestamptz,
    lease_until  timestamptz,                      -- the owner's, prolonged by each of its steps
    retry_at     timestamptz,                      -- not before
    as_of        timestamptz,                      -- of a file: when it was made
    snapshot_seq bigint,                           -- of a file: the place in the order of acceptance at that time
    line         bigint NOT NULL DEFAULT 0,        -- of a file: lines read, over all parts
    pages        bigint NOT NULL DEFAULT 0,
    read         bigint NOT NULL DEFAULT 0,        -- rows
    accepted     bigint NOT NULL DEFAULT 0,
    refused      bigint NOT NULL DEFAULT 0,
    rate         integer NOT NULL,                 -- rows a second
    failures     integer NOT NULL DEFAULT 0,       -- one after another
    part         integer NOT NULL DEFAULT 1,       -- of a file: where the next row stands
    chunk        integer NOT NULL DEFAULT 0,
    chunk_line   integer NOT NULL DEFAULT 0,       -- lines of the chunk that were read
    parts        integer NOT NULL DEFAULT 0,       -- of a file: how many it has; 0 while it is being sent
    entity_at    smallint NOT NULL DEFAULT 0,      -- of a list: the place in entities that is being read
    source       text NOT NULL,                    -- list, file
    state        text NOT NULL,                    -- uploading, waiting, running, paused, done, failed, cancelled
    tenant_id    text NOT NULL,
    platform     text NOT NULL,
    owner        text,                             -- the gateway that runs it; another one takes it when the lease has lapsed
    cursor       text,                             -- of a list: the platform's, null at its beginning
    reason       text,                             -- why it is paused, waits or failed
    subject      text,                             -- who asked for it
    entities     text[] NOT NULL,
    targets      text[] NOT NULL                   -- empty: all other platforms
) WITH (fillfactor = 50);
CREATE INDEX backfill_jobs_open ON backfill_jobs (id) WHERE state IN ('waiting', 'running', 'paused');
CREATE INDEX backfill_jobs_tenant ON backfill_jobs (tenant_id, id);

-- A file in parts as they were sent, cut at line breaks into chunks that are read one by one. Gone when the job has ended.
CREATE TABLE backfill_parts (
    job_id    uuid NOT NULL REFERENCES backfill_jobs ON DELETE CASCADE,
    part      integer NOT NULL,
    chunk     integer NOT NULL,
    tenant_id text NOT NULL,
    data      bytea NOT NULL,                      -- a format byte, then whole lines
    PRIMARY KEY (job_id, part, chunk)
);

-- Rows that were refused: the first ones of a job, the rest is counted.
CREATE TABLE backfill_refused (
    job_id      uuid NOT NULL REFERENCES backfill_jobs ON DELETE CASCADE,
    place       bigint NOT NULL,                   -- of the row in the job, from 1; of a file its line
    tenant_id   text NOT NULL,
    entity_type text,
    row_id      text,                              -- as the platform calls it
    reason      text NOT NULL,
    PRIMARY KEY (job_id, place)
);

-- Rows that changed nothing, counted by the router in the statement that finds it: each writer keeps its own row.
CREATE TABLE backfill_counts (
    job_id    uuid NOT NULL,
    writer    text NOT NULL,
    unchanged bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, writer)
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE, DELETE ON backfill_jobs, backfill_parts, backfill_refused, backfill_counts TO sync_writer;
GRANT SELECT ON backfill_jobs, backfill_refused, backfill_counts TO sync_reader;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['backfill_jobs', 'backfill_parts', 'backfill_refused', 'backfill_counts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', name, current_user);
        EXECUTE format('CREATE POLICY writer_all ON %I TO sync_writer USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY reader_tenant ON %I FOR SELECT TO sync_reader USING (%s)', name, CASE
            WHEN name = 'backfill_counts' THEN 'EXISTS (SELECT FROM backfill_jobs j WHERE j.id = job_id)' -- of those it may see
            ELSE 'tenant_id = NULLIF(current_setting(''sync.tenant'', true), '''') OR current_setting(''sync.tenant'', true) = ''*'''
        END);
    END LOOP;
END
$$;
