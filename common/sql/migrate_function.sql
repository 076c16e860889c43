-- migrate_function.sql: is there a function of this name already? No row when not. Asked of the catalogue itself: name look-ups
-- remember what was missing before the lock was taken.
select proname from pg_proc where proname = $1::text and pronamespace = current_schema()::regnamespace
