-- migrate_note.sql: migration $1 named $2 is applied; $3: its min_reader, null when it says none.
insert into schema_migrations (number, name, min_reader)
select $1::int, $2::text, coalesce($3::int, (select max(min_reader) from schema_migrations), 1)
