-- A page of the versions of a record, newest first; the record is found as by get_record.sql. Run as a reader. Versions go with
-- the day of their event (EVENT_RETENTION_DAYS). A page ends early when its data passes 4 MiB; `more` says whether anything
-- follows. A record without any has one row with a null version; without a row there is no such record.
--  $1 tenant  $2 entity type  $3 record id as hashed from $4  $4 entity id  $5 our record id (null: it is none)
--  $6 the cursor's version: only below it (null: from the newest)  $7 rows at most
WITH RECURSIVE found AS (
    SELECT $3::uuid AS id, 1 AS rank
    UNION ALL
    SELECT r.id, 2 FROM records r WHERE r.tenant_id = $1 AND r.entity_type = $2 AND r.entity_id = $4::text
    UNION ALL
    SELECT $5::uuid, 3
), way AS (
    SELECT f.rank, r.id, r.merged_into, 1 AS length FROM found f
    JOIN records r ON r.id = f.id WHERE r.tenant_id = $1 AND r.entity_type = $2
    UNION ALL
    SELECT w.rank, r.id, r.merged_into, w.length + 1 FROM way w
    JOIN records r ON r.id = w.merged_into WHERE r.tenant_id = $1 AND w.length < 8
), record AS (
    SELECT r.* FROM way w JOIN records r ON r.id = w.id WHERE w.merged_into IS NULL ORDER BY w.rank LIMIT 1
), page AS (
    SELECT v.*, row_number() OVER w AS place, sum(octet_length(v.data)) OVER w - octet_length(v.data) AS bytes_before
    FROM (
        SELECT v.* FROM record r JOIN record_versions v ON v.record_id = r.id
        WHERE $6::int8 IS NULL OR v.version < $6 ORDER BY v.version DESC LIMIT $7::int + 1
    ) v WINDOW w AS (ORDER BY v.version DESC)
), shown AS (
    SELECT * FROM page WHERE place <= $7::int AND (place = 1 OR bytes_before < 4194304)
)
SELECT r.id, r.tenant_id, r.entity_type, r.entity_id, (SELECT count(*) FROM page) > (SELECT count(*) FROM shown) AS more,
    v.version, v.event_id, v.seq, v.source, v.created_at, v.deleted, v.changed, v.data
FROM record r LEFT JOIN shown v ON true
ORDER BY v.version DESC
