-- A gateway that ends leaves what it runs to the others.  $1 owner
UPDATE backfill_jobs SET owner = NULL WHERE owner = $1 AND state = 'running'
