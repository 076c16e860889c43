-- Rows of writers become one row of their stage: each process that ever ran has left one. Sums stay exact: whoever writes
-- meanwhile waits for this and begins a new row. Apart from maintain.sql, which may hold tables while it waits for others.
WITH gone AS (
    DELETE FROM stage_counts WHERE writer <> '' RETURNING stage, waiting, backoff, dead
)
INSERT INTO stage_counts (stage, writer, waiting, backoff, dead)
SELECT stage, '', sum(waiting), sum(backoff), sum(dead) FROM gone GROUP BY stage ORDER BY stage
ON CONFLICT (stage, writer) DO UPDATE SET waiting = stage_counts.waiting + excluded.waiting,
    backoff = stage_counts.backoff + excluded.backoff, dead = stage_counts.dead + excluded.dead
