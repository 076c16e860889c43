-- migrate_partitions.sql: the number of partitions that the database was initialised with.
select convert_from(value, 'UTF8') from settings where name = 'partitions'
