-- db_role.sql: as which role ($1) the next statement of this transaction runs; local to the transaction, like SET LOCAL ROLE.
select set_config('role', $1, true)
