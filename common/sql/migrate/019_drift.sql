-- Drift: what a platform has lost or altered behind our back is found by reading its list, and put right by new deliveries.
-- docs/drift.md has the format of the hashes.

-- A repair is an event of the source `service`, made on the version that was compared (base_version): the named target gets these
-- fields once more; `*` all of them, `+` because the platform has the record no more. Without commas in names: as deliveries.asserts.
ALTER TABLE sync_events ADD COLUMN repairs text;
-- What was given up there, by record.
CREATE INDEX deliveries_given_up ON deliveries (record_id, target) WHERE state = 5;

CREATE TABLE verifications (
    id          uuid PRIMARY KEY,                  -- UUIDv7 in database time
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    ended_at    timestamptz,
    lease_until timestamptz,                       -- the owner's
    retry_at    timestamptz,                       -- not before
    failures    integer NOT NULL DEFAULT 0,        -- one after another
    repair      boolean NOT NULL DEFAULT false,    -- false: looked at, nothing is sent
    scheduled   boolean NOT NULL DEFAULT false,    -- by VERIFY_INTERVAL
    resumed     boolean NOT NULL DEFAULT false,    -- a person has let it go on: a list that shows nothing at all is believed
    state       text NOT NULL DEFAULT 'waiting',   -- waiting, running, paused, done, failed, cancelled
    tenant_id   text NOT NULL,                     -- * for all
    platform    text NOT NULL,
    owner       text,                              -- the worker that runs it; another one takes it when the lease has lapsed
    reason      text,                              -- why it waits, is paused or failed
    subject     text,                              -- who asked for it
    entities    text[] NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX verifications_open ON verifications (platform, id) WHERE state IN ('waiting', 'running', 'paused');
CREATE INDEX verifications_platform ON verifications (platform, id);
CREATE UNIQUE INDEX verifications_scheduled ON verifications (platform)
    WHERE scheduled AND state IN ('waiting', 'running', 'paused');

-- One tenant's records of one type there, in the order of `place`. Each step of the job is one statement that moves it.
CREATE TABLE verification_parts (
    job_id      uuid NOT NULL REFERENCES verifications ON DELETE CASCADE,
    place       integer NOT NULL,
    began_at    timestamptz,                       -- what changed since then is on its way, not lost
    after       uuid,                              -- of phase missing: records up to this one are done
    pages       bigint NOT NULL DEFAULT 0,
    steps       bigint NOT NULL DEFAULT 0,         -- numbers the statements: one that comes twice changes nothing
    agreed      bigint NOT NULL DEFAULT 0,
    differing   bigint NOT NULL DEFAULT 0,
    missing     bigint NOT NULL DEFAULT 0,
    undeleted   bigint NOT NULL DEFAULT 0,         -- there still, and deleted here
    unknown     bigint NOT NULL DEFAULT 0,         -- there, and not known here
    moving      bigint NOT NULL DEFAULT 0,         -- left out: on its way there, or changed while this ran
    dead        bigint NOT NULL DEFAULT 0,         -- left out: given up there
    contested   bigint NOT NULL DEFAULT 0,         -- left out: fields of it wait for a decision
    unreadable  bigint NOT NULL DEFAULT 0,         -- rows without an id
    repaired    bigint NOT NULL DEFAULT 0,
    compared    bigint NOT NULL DEFAULT 0,         -- records whose content had to be read here
    phase       text NOT NULL DEFAULT 'look',      -- look, turn, search, missing, done
    tenant_id   text NOT NULL,
    entity_type text NOT NULL,
    cursor      text,                              -- the platform's, null at its beginning
    searched    smallint[] NOT NULL DEFAULT '{}',  -- buckets where the platform shows fewer records than it should have
    sums        bytea,                             -- of what it showed, by bucket
    buckets_off integer,                           -- buckets that differ, after the look
    PRIMARY KEY (job_id, place)
) WITH (fillfactor = 50);

-- The first ones of each part: no values, only the names of fields.
CREATE TABLE verification_examples (
    job_id      uuid NOT NULL REFERENCES verifications ON DELETE CASCADE,
    part        integer NOT NULL,
    place       bigint GENERATED ALWAYS AS IDENTITY,
    record_id   uuid,                              -- null: not known here
    event_id    uuid,                              -- the repair
    tenant_id   text NOT NULL,
    kind        text NOT NULL,                     -- differing, missing, undeleted, unknown
    entity_id   text,
    platform_id text,
    fields      text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (job_id, part, place)
);

-- Records of the buckets that are searched, as the platform shows them in the second reading. Gone when the part is done.
CREATE TABLE verification_seen (
    job_id    uuid NOT NULL REFERENCES verifications ON DELETE CASCADE,
    record_id uuid NOT NULL,
    PRIMARY KEY (job_id, record_id)
);

-- What a platform showed of a record when it was found to agree with this version: the next reading that shows the same needs no
-- content. A bucket's hash is the XOR of the hashes of its records.
CREATE TABLE drift_hashes (
    record_id   uuid NOT NULL,
    version     bigint NOT NULL,
    content     bigint NOT NULL,                   -- keyed hash of what it showed
    hash        bigint NOT NULL,                   -- of (id, version, content)
    platform    text NOT NULL,
    tenant_id   text NOT NULL,
    PRIMARY KEY (record_id, platform)
) WITH (fillfactor = 80);

GRANT SELECT, INSERT, UPDATE, DELETE ON verifications, verification_parts, verification_examples, verification_seen, drift_hashes
    TO sync_writer;
GRANT SELECT ON verifications, verification_parts, verification_examples TO sync_reader;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['verifications', 'verification_parts', 'verification_examples', 'verification_seen', 'drift_hashes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', name, current_user);
        EXECUTE format('CREATE POLICY writer_all ON %I TO sync_writer USING (true) WITH CHECK (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['verification_parts', 'verification_examples'] LOOP
        EXECUTE format('CREATE POLICY reader_tenant ON %I FOR SELECT TO sync_reader USING (tenant_id = '
            'NULLIF(current_setting(''sync.tenant'', true), '''') OR current_setting(''sync.tenant'', true) = ''*'')', name);
    END LOOP;
END
$$;
-- A job over all tenants is seen by each of them, with its own figures.
CREATE POLICY reader_tenant ON verifications FOR SELECT TO sync_reader USING
    (tenant_id IN ('*', NULLIF(current_setting('sync.tenant', true), '')) OR current_setting('sync.tenant', true) = '*');
