-- migrate_table.sql: the bookkeeping of migrations. min_reader: the oldest program, by its newest migration's number, that
-- still understands the tables after this one.
create table if not exists schema_migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    min_reader integer NOT NULL
)
