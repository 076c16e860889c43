-- migrate_state.sql: how far the database is, and how new a program it asks for.
select coalesce(max(number), 0), coalesce(max(min_reader), 0) from schema_migrations
