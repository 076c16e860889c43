-- What a merge goes by: which versions a platform had acknowledged, and when, newest first; which versions rows of pages made; which
-- platforms a record was ever named for. And what a conflict needs to be decided: one conflict for each event that contested
-- fields, in status open (the resolver's), waiting (a person's), resolved, replaced (another contest took its fields) or undone.

ALTER TABLE record_platforms ADD COLUMN acked_versions bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN acked_at timestamptz[] NOT NULL DEFAULT '{}';
ALTER TABLE record_versions ADD COLUMN page boolean NOT NULL DEFAULT false;
ALTER TABLE records ADD COLUMN audience text[] NOT NULL DEFAULT '{}';

-- A decision is an event of the source `service`: of the fields that the event `decides` contested; by a person, who was shown all sides.
ALTER TABLE sync_events ADD COLUMN decides uuid, ADD COLUMN by_person boolean NOT NULL DEFAULT false;

ALTER TABLE sync_conflicts ADD COLUMN partition smallint NOT NULL DEFAULT 0,
    ADD COLUMN version bigint NOT NULL DEFAULT 0,   -- of the record, made by the event that contested
    ADD COLUMN types text[] NOT NULL DEFAULT '{}',
    ADD COLUMN open_fields text[] NOT NULL DEFAULT '{}', -- those that no decision or later contest has taken
    ADD COLUMN decision uuid,                       -- the event that carries the decision
    ADD COLUMN result bytea,                        -- per field: policy, value, why
    ADD COLUMN confidence smallint,                 -- percent
    ADD COLUMN note text;
CREATE UNIQUE INDEX sync_conflicts_event ON sync_conflicts (event_id);
CREATE INDEX sync_conflicts_open ON sync_conflicts (partition, id) WHERE status = 'open';
