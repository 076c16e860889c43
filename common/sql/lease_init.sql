-- The rows of a stage's leases, once. $1 stage  $2 partitions
INSERT INTO leases (stage, partition) SELECT $1, n FROM generate_series(0, $2::int - 1) AS n
ON CONFLICT DO NOTHING
