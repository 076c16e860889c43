-- db_tenant.sql: as which role ($1; none: as the login itself) and for which tenant ($2; '*': all) the next statement of this
-- transaction runs. Both are local to the transaction: nothing is left in the session.
select set_config('role', $1, true), set_config('sync.tenant', $2, true)
