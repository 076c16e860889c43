-- db_scope.sql: as whom ($1: a role, or none) and for which tenant ($2) the next statement of this transaction runs. Both
-- are local to the transaction, like SET LOCAL: nothing is left in the session.
select set_config('role', $1, true), set_config('sync.tenant', $2, true)
