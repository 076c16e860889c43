-- store_settings.sql: what was decided when the database was initialised.
select name, value from settings where name in ('partitions', 'fingerprint_key')
