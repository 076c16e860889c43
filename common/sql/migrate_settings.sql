-- migrate_settings.sql: what is decided once, when the database is initialised: the number of partitions ($1, as text) and the
-- key of idempotency fingerprints ($2, 32 random bytes).
insert into settings (name, value) values ('partitions', convert_to($1::text, 'UTF8')), ('fingerprint_key', $2::bytea)
