-- A new version of a tenant's own policies. The number of the change is drawn under a lock, so that whoever has seen one has seen all
-- before it. No row: the newest version is not the one that was expected. Two at once: one of them breaks the primary key.
--  $1 tenant  $2 text  $3 the version whose text this is again (null: none)  $4 version expected (null: any; 0: none yet)  $5 who
--  $6 note
WITH latest AS (
    SELECT COALESCE(max(version), 0) AS version FROM policy_versions WHERE tenant_id = $1
), turn AS (
    UPDATE policy_changes SET number = number + 1 FROM latest WHERE $4::int8 IS NULL OR latest.version = $4::int8
    RETURNING number
)
INSERT INTO policy_versions (tenant_id, version, change, text, author, note, restores)
SELECT $1, latest.version + 1, turn.number, $2, $5, $6, $3::int8 FROM latest, turn
RETURNING version::int8, text, author, note, restores::int8, created_at
