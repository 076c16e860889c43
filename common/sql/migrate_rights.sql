-- migrate_rights.sql: what the login lacks, asked when a migration was refused: the login, its schema, may it create tables
-- there, may it create roles, how many of our two roles exist, and over how many of them it has the admin option.
select l.rolname::text,
       coalesce(current_schema()::text, ''),
       coalesce(has_schema_privilege(current_schema()::text, 'CREATE'), false)::int,
       (l.rolsuper or l.rolcreaterole)::int,
       (select count(*) from pg_roles r where r.rolname in ('sync_writer', 'sync_reader')),
       (select count(distinct r.oid) from pg_roles r join pg_auth_members m on m.roleid = r.oid
        where r.rolname in ('sync_writer', 'sync_reader') and m.member = l.oid and m.admin_option)
from pg_roles l where l.rolname = current_user
