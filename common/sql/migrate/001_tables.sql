-- The tables of the service. Everything that a client chooses is unique only together with its tenant.
-- Time-ordered tables are partitioned by RANGE(id of the event), a day each; sync_make_days() makes the days.
-- Bodies are bytea whose first byte is the format (0: plain text follows).

CREATE TABLE settings (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);

-- Order of acceptance: drawn in the accepting INSERT, decides what wins.
CREATE SEQUENCE sync_seq;

CREATE TABLE sync_events (
    id               uuid NOT NULL,                 -- UUIDv7 in database time
    record_id        uuid NOT NULL,                 -- without a record: of (tenant, event type); orders and partitions the event
    seq              bigint NOT NULL,
    base_version     bigint,
    version          bigint,                        -- of the record, made by this event
    created_at       timestamptz NOT NULL DEFAULT now(),
    occurred_at      timestamptz,
    deliver_at       timestamptz,
    expires_at       timestamptz,
    processed_at     timestamptz,
    partition        smallint NOT NULL,
    priority         smallint NOT NULL,             -- 0 critical, 1 high, 2 normal, 3 low
    priority_given   smallint NOT NULL,             -- 1 to 10, as the client said
    status           smallint NOT NULL DEFAULT 0,   -- proto.h: 0 pending 1 routed 2 completed 3 failed 4 cancelled 5 expired
    max_retries      smallint NOT NULL,
    open_count       smallint NOT NULL DEFAULT 0,   -- named targets whose delivery is not final
    dead_count       smallint NOT NULL DEFAULT 0,   -- named targets given up
    scheduled        boolean NOT NULL DEFAULT false,-- waits for deliver_at; draws its seq when due
    claimed          boolean NOT NULL DEFAULT false,-- the data named its record by our id, which wins over record_ids
    event_type       text NOT NULL,
    entity_type      text NOT NULL,                 -- '' for operational data
    entity_id        text NOT NULL,                 -- '' for operational data
    source_platform  text NOT NULL,
    target_platforms text[] NOT NULL,
    tenant_id        text NOT NULL,
    client_id        text,                          -- the client's own id of the event
    user_id          text,
    subject          text,                          -- who sent it
    trace            text,                          -- W3C traceparent
    caused_by        uuid,
    error            text,
    data             bytea NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX sync_events_ready ON sync_events (partition, priority, seq) WHERE status = 0 AND NOT scheduled;
CREATE INDEX sync_events_scheduled ON sync_events (deliver_at) WHERE status = 0 AND scheduled;
CREATE INDEX sync_events_tenant ON sync_events (tenant_id, id);
CREATE INDEX sync_events_failed ON sync_events (tenant_id, id) WHERE status = 3;

CREATE TABLE deliveries (
    event_id        uuid NOT NULL,
    record_id       uuid NOT NULL,
    covered_by      uuid,                           -- superseded: the event whose delivery carried this one's content
    seq             bigint NOT NULL,
    version         bigint NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    processed_at    timestamptz,
    duration_ms     integer,                        -- of the last sending
    partition       smallint NOT NULL,
    priority        smallint NOT NULL,
    state           smallint NOT NULL DEFAULT 0,    -- proto.h: 0 open 1 backoff 2 delivered 3 superseded 4 skipped 5 dead 6 cancelled 7 expired
    generation      smallint NOT NULL DEFAULT 1,    -- one higher with each retry of a dead one: another webhook-id
    attempts        smallint NOT NULL DEFAULT 0,    -- sendings that cost an attempt
    sendings        smallint NOT NULL DEFAULT 0,    -- all sendings
    http_status     smallint,
    named           boolean NOT NULL DEFAULT true,  -- the event named this target
    target          text NOT NULL,
    tenant_id       text NOT NULL,
    error           text,
    steps           bytea,                          -- completed steps of a delivery that takes several
    PRIMARY KEY (event_id, target)
) PARTITION BY RANGE (event_id);
CREATE INDEX deliveries_ready ON deliveries (target, partition, priority, seq) WHERE state = 0;
CREATE INDEX deliveries_due ON deliveries (target, partition, next_attempt_at) WHERE state = 1;
CREATE INDEX deliveries_record ON deliveries (record_id, target) WHERE state IN (0, 1);
CREATE INDEX deliveries_dead ON deliveries (tenant_id, event_id) WHERE state = 5;

-- Every sending that was not a success at first try. A first-try success stands in deliveries alone.
CREATE TABLE sync_results (
    event_id        uuid NOT NULL,
    at              timestamptz NOT NULL,
    duration_ms     integer NOT NULL,
    generation      smallint NOT NULL,
    sending         smallint NOT NULL,              -- 1, 2, 3 ... within the generation
    http_status     smallint,
    costs           boolean NOT NULL,               -- counted as an attempt
    target_platform text NOT NULL,
    tenant_id       text NOT NULL,
    outcome         text NOT NULL,                  -- delivered, retry, dead, unknown
    error           text,
    excerpt         bytea,                          -- the beginning of the platform's answer
    PRIMARY KEY (event_id, target_platform, generation, sending)
) PARTITION BY RANGE (event_id);

CREATE TABLE records (
    id          uuid PRIMARY KEY,
    event_id    uuid NOT NULL,                      -- made this version: leads to its row in record_versions
    version     bigint NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    merged_into uuid,
    partition   smallint NOT NULL,
    deleted     boolean NOT NULL DEFAULT false,
    tenant_id   text NOT NULL,
    entity_type text NOT NULL,
    entity_id   text NOT NULL,
    vector      text NOT NULL,                      -- {"bizoholic":2,"service":1}: changes per origin
    data        bytea NOT NULL,                     -- common names
    notes       bytea NOT NULL                      -- per field: origin, time, seq, currency
) WITH (fillfactor = 80);
CREATE INDEX records_tenant ON records (tenant_id, entity_type, entity_id);

CREATE TABLE record_versions (
    record_id  uuid NOT NULL,
    event_id   uuid NOT NULL,
    version    bigint NOT NULL,
    seq        bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted    boolean NOT NULL,
    tenant_id  text NOT NULL,
    source     text NOT NULL,
    changed    text[] NOT NULL,
    data       bytea NOT NULL,
    PRIMARY KEY (record_id, version, event_id)
) PARTITION BY RANGE (event_id);

-- What a platform calls a record, where that is not what the record's id was made from.
CREATE TABLE record_ids (
    tenant_id   text NOT NULL,
    entity_type text NOT NULL,
    platform    text NOT NULL,
    platform_id text NOT NULL,
    record_id   uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, entity_type, platform, platform_id)
);
CREATE INDEX record_ids_record ON record_ids (record_id);

-- What a platform certainly has, and the highest version ever sent to it.
CREATE TABLE record_platforms (
    record_id       uuid NOT NULL,
    certain_event   uuid,                           -- made certain_version: leads to its row in record_versions
    certain_version bigint NOT NULL DEFAULT 0,
    started_version bigint NOT NULL DEFAULT 0,
    delivered_at    timestamptz,
    platform        text NOT NULL,
    tenant_id       text NOT NULL,
    platform_id     text,
    state           text NOT NULL,                  -- present, deleted, unknown, failed
    PRIMARY KEY (record_id, platform)
) WITH (fillfactor = 80);

CREATE TABLE sync_conflicts (
    id          uuid PRIMARY KEY,
    record_id   uuid NOT NULL,
    event_id    uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    decided_at  timestamptz,
    tenant_id   text NOT NULL,
    entity_type text NOT NULL,
    entity_id   text NOT NULL,
    type        text NOT NULL,
    status      text NOT NULL,
    decided_by  text,
    fields      text[] NOT NULL,
    detail      bytea NOT NULL                      -- base, sides, rule and result
);
CREATE INDEX sync_conflicts_tenant ON sync_conflicts (tenant_id, status, id);

CREATE TABLE idempotency_keys (
    tenant_id   text NOT NULL,
    kind        smallint NOT NULL,                  -- 0 Idempotency-Key, 1 the body's own id
    key         text NOT NULL,
    event_id    uuid NOT NULL,
    fingerprint bytea NOT NULL,                     -- keyed hash of the body
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, kind, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

CREATE TABLE leases (
    stage     text NOT NULL,
    partition smallint NOT NULL,
    owner     text,
    fence     bigint NOT NULL DEFAULT 0,
    until     timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (stage, partition),
    -- Makes the fence part of a key: owners' statements lock FOR KEY SHARE, which a renewal does not wait for, however long they
    -- take, but a new fence does.
    UNIQUE (stage, partition, fence)
) WITH (fillfactor = 50);

CREATE TABLE replicas (
    stage    text NOT NULL,
    owner    text NOT NULL,
    seen     timestamptz NOT NULL,
    draining boolean NOT NULL DEFAULT false,
    PRIMARY KEY (stage, owner)
) WITH (fillfactor = 50);

-- What waits before each stage, exact and never scanned: each writer keeps its own row, the sum over writers counts.
CREATE TABLE stage_counts (
    stage   text NOT NULL,                          -- router, worker-<platform>
    writer  text NOT NULL,
    waiting bigint NOT NULL DEFAULT 0,              -- ready or on the belt or in flight
    backoff bigint NOT NULL DEFAULT 0,
    dead    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (stage, writer)
) WITH (fillfactor = 50);

-- Outcomes per minute and writer, upserted in the statement that records them.
CREATE TABLE sync_metrics (
    minute      timestamptz NOT NULL,
    writer      text NOT NULL,
    tenant_id   text NOT NULL,
    platform    text NOT NULL,                      -- '' for events (accepted, completed, failed), else a target
    event_type  text NOT NULL,
    accepted    bigint NOT NULL DEFAULT 0,
    completed   bigint NOT NULL DEFAULT 0,
    failed      bigint NOT NULL DEFAULT 0,
    retried     bigint NOT NULL DEFAULT 0,
    total_ms    bigint NOT NULL DEFAULT 0,          -- acceptance to completion, summed
    latency     integer[] NOT NULL DEFAULT '{}',    -- counts per bucket of stats.h
    PRIMARY KEY (minute, writer, tenant_id, platform, event_type)
) WITH (fillfactor = 70);

CREATE TABLE platform_status (
    platform   text NOT NULL,
    credential text NOT NULL DEFAULT '',
    route      text NOT NULL DEFAULT '',
    until      timestamptz,
    since      timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz,                         -- last success
    state      text NOT NULL DEFAULT 'closed',      -- closed, open, half_open, paused
    reason     text,
    PRIMARY KEY (platform, credential, route)
) WITH (fillfactor = 50);

-- Poison: entries of the belt that could not be read, with the reason.
CREATE TABLE sync_errors (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    stage     text NOT NULL,
    stream    text NOT NULL,
    entry_id  text NOT NULL,
    tenant_id text,
    reason    text NOT NULL,
    entry     bytea NOT NULL,
    UNIQUE (stream, entry_id, stage)
);

CREATE VIEW cross_platform_users WITH (security_barrier) AS
    SELECT id AS record_id, tenant_id, entity_id AS user_id, version, deleted, created_at, updated_at, data
    FROM records WHERE entity_type = 'user';
