-- A person says that two records are not one: the pair is not suggested again. Run as the writer, so the tenant stands in the condition.
--  $1 link  $2 tenant (null: all)  $3 who  $4 note
-- Answers what came of it (refused, missing, late), and the link's id.
WITH asked AS MATERIALIZED (
    SELECT l.id FROM record_links l WHERE l.id = $1::uuid AND ($2::text IS NULL OR l.tenant_id = $2)
), link AS (
    UPDATE record_links l SET status = 'refused', decided_at = now(), decided_by = $3, note = COALESCE($4, l.note)
    FROM asked a WHERE l.id = a.id AND l.status = 'suggested'
    RETURNING l.id
)
SELECT CASE WHEN a.id IS NULL THEN 'missing' WHEN l.id IS NULL THEN 'late' ELSE 'refused' END AS came, a.id AS link
FROM (SELECT 1) one LEFT JOIN asked a ON true LEFT JOIN link l ON true
