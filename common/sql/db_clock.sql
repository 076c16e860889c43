-- db_clock.sql: the database's clock in milliseconds since 1970, asked on every new connection.
select (extract(epoch from clock_timestamp()) * 1000)::int8
