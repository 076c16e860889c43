-- migrate_begin.sql: one process migrates at a time; the number is this project's own. Who has to wait for more than 5 s, for
-- another migrator or for a busy table, gives up and comes back later instead of stopping everybody behind it.
begin;
set local lock_timeout = '5s';
select pg_advisory_xact_lock(7306086988);
